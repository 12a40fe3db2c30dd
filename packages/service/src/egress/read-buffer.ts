import { connect } from "node:net";
import type { Socket, TcpNetConnectOpts } from "node:net";

/** How much is read at once, in bytes: as much as Node reads by default. */
export const READ_BYTES = 65_536;

/** A read of more keeps its buffer, if there is one to keep: the copy would cost more than another buffer. */
const MAX_COPIED_BYTES: number = READ_BYTES / 2;

/** A smaller read is copied into a block that it shares with others, which costs less than memory for it alone. */
const POOLED_BELOW_BYTES = 2_048;

/** Size of such a block, which lives as long as the last read in it. Node's pool is as large as a read in its newest version. */
export const POOL_BYTES = 8_192;

/**
 * How many connections may have a separate buffer at a time, 16 MiB in all: a target that has sent a large piece of a body may send nothing
 * more for hours, and nothing else counts the memory.
 */
export const MAX_SEPARATE_BUFFERS = 256;

let separateBuffers = 0;

/** What connections read into. Each read is copied out of it before the next read of any connection. */
const SHARED: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** Copies small reads into blocks. */
class CopyPool {
  #block = Buffer.allocUnsafeSlow(POOL_BYTES);
  #used = 0;

  copy(bytes: Buffer): Buffer {
    if (this.#used + bytes.length > POOL_BYTES) {
      this.#block = Buffer.allocUnsafeSlow(POOL_BYTES);
      this.#used = 0;
    }
    const copy = this.#block.subarray(this.#used, (this.#used += bytes.length));
    copy.set(bytes);
    return copy;
  }
}

const POOL = new CopyPool();

/**
 * Where a connection reads to. Node allocates 64 KiB for each read and gives back what was too much, which costs more than to copy a small
 * response out of a buffer that all connections share. A large body has separate buffers, as long as there are few, which are passed on as
 * they are, and used again for the same body once nothing reads them any more.
 */
export class ReadBuffer {
  /** More of a body follows what was read. */
  isMidBody = false;
  /** Whether nothing reads what was passed on last. Asked right after it was. */
  isFree: () => boolean = () => false;
  #current = SHARED;
  #wasLarge = false;
  /** What was read last was passed on in the separate buffer. */
  #isPassedOn = false;

  /** What the next read goes into: Node asks after each. */
  next(): Buffer {
    const mayBeRead = this.#isPassedOn && !this.isFree();
    this.#isPassedOn = false;
    if (!this.isMidBody || mayBeRead) this.release();
    if (!this.isMidBody) return this.#current;
    if (this.#wasLarge && this.#current === SHARED && separateBuffers < MAX_SEPARATE_BUFFERS) {
      separateBuffers += 1;
      this.#current = Buffer.allocUnsafeSlow(READ_BYTES);
    }
    return this.#current;
  }

  /** Gives a separate buffer up. Call it when the connection is closed. */
  release(): void {
    if (this.#current === SHARED) return;
    separateBuffers -= 1;
    this.#current = SHARED;
  }

  /**
   * Takes what was read, so that the next read does not change it, unless nothing reads it then.
   *
   * @param mayPool the bytes are passed on at once, so that few of them keep a block in memory.
   */
  take(length: number, mayPool: boolean): Buffer {
    const bytes = this.#current.subarray(0, length);
    this.#wasLarge = length > MAX_COPIED_BYTES;
    if (this.#wasLarge && this.#current !== SHARED) {
      this.#isPassedOn = true;
      return bytes;
    }
    if (mayPool && length < POOLED_BELOW_BYTES) return POOL.copy(bytes);
    const copy = Buffer.allocUnsafeSlow(length);
    copy.set(bytes);
    return copy;
  }
}

const BUFFERS = new WeakMap<Socket, ReadBuffer>();

/** Opens a connection that reads into a {@link ReadBuffer}. */
export function connectBuffered(options: TcpNetConnectOpts): Socket {
  const buffer = new ReadBuffer();
  const socket: Socket = connect({
    ...options,
    onread: {
      buffer: () => buffer.next(),
      callback: (length) => socket.push(buffer.take(length, socket.readableLength === 0)),
    },
  });
  socket.once("close", () => buffer.release());
  BUFFERS.set(socket, buffer);
  return socket;
}

/** The buffer of a connection; nothing for one that is encrypted. */
export function bufferOf(socket: Socket): ReadBuffer | undefined {
  return BUFFERS.get(socket);
}
