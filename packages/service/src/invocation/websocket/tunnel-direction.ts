import { SMALL_CHUNK_BYTES, Slabs } from "../../collections/slabs.ts";
import type { ByteStream } from "../../http1/byte-stream.ts";
import type { ChunkScheduler } from "../../collections/chunk-scheduler.ts";
import type { MinDataRate, RateWindow } from "../min-data-rate.ts";
import { checkRate } from "../min-data-rate.ts";

/** With this many bytes waiting for the reader, the sender is not read. */
const MAX_WAITING_BYTES = 64 * 1_024;

/** Small pieces that one direction may have in a turn: they take the event loop a millisecond or two. */
const CHUNKS_PER_TURN = 512;

export interface TunnelDirectionEvents {
  /** @returns whether the bytes may pass. */
  readonly onBytes: (bytes: number) => boolean;
  /** Bytes wait for the reader, who takes fewer than come. */
  readonly onWaiting: () => void;
  /** Everything that came was written. */
  readonly onFlowing: () => void;
  /** The sender has ended its side, and all that it sent was written. */
  readonly onEnd: () => void;
}

/**
 * The bytes from one side of a tunnel to the other. One piece is written at a time; those that come meanwhile wait here, small ones
 * joined, since Node keeps four entries for each piece and counts only its bytes.
 */
export class TunnelDirection {
  /** Bytes that came from the sender. */
  receivedBytes = 0;
  /** The sender has ended its side. */
  isEnded = false;
  readonly #from: ByteStream;
  readonly #to: ByteStream;
  readonly #events: TunnelDirectionEvents;
  readonly #scheduler: ChunkScheduler;
  readonly #small = new Slabs();
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #isFull = false;
  #smallChunks = 0;
  /** How many events must happen before the sender is read again. */
  #blocks = 0;
  #isClosed = false;
  #window: RateWindow | undefined;

  constructor(from: ByteStream, to: ByteStream, events: TunnelDirectionEvents, scheduler: ChunkScheduler) {
    this.#from = from;
    this.#to = to;
    this.#events = events;
    this.#scheduler = scheduler;
    from.on("data", (chunk) => this.#onData(chunk));
    from.on("end", () => this.end());
  }

  start(): void {
    this.#from.resume();
  }

  /** Drops what comes from now on. The sender is read again, since its end waits behind what it sent. */
  close(): void {
    this.#isClosed = true;
    this.#take();
    this.#from.resume();
  }

  /** Bytes that wait for the reader. */
  get unsentBytes(): number {
    return this.#to.writableLength + this.#waitingBytes;
  }

  /** Bytes that the reader has taken. */
  get sentBytes(): number {
    return this.receivedBytes - this.unsentBytes;
  }

  isTooSlow(now: number, rate: MinDataRate): boolean {
    const window = this.unsentBytes === 0 ? undefined : checkRate(this.#window, this.sentBytes, now, rate);
    if (window === "too_slow") return true;
    this.#window = window;
    return false;
  }

  /** Nothing more comes: ends the direction once everything was written. */
  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    if (!this.#isClosed && !this.#isWriting) this.#events.onEnd();
  }

  #onData(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.receivedBytes += chunk.length;
    if (!this.#events.onBytes(chunk.length)) return;
    if (chunk.length < SMALL_CHUNK_BYTES) this.#countSmall();
    if (!this.#isWriting) return this.#write([chunk]);
    if (this.#waitingBytes === 0) this.#events.onWaiting();
    this.#wait(chunk);
    if (this.#waitingBytes < MAX_WAITING_BYTES || this.#isFull) return;
    this.#isFull = true;
    this.#block();
  }

  #countSmall(): void {
    this.#smallChunks += 1;
    if (this.#smallChunks % CHUNKS_PER_TURN !== 0) return;
    this.#block();
    this.#scheduler.schedule(() => this.#unblock());
  }

  #block(): void {
    this.#blocks += 1;
    this.#from.pause();
  }

  #unblock(): void {
    this.#blocks -= 1;
    if (this.#blocks === 0) this.#from.resume();
  }

  #wait(chunk: Buffer): void {
    this.#waitingBytes += chunk.length;
    if (chunk.length < SMALL_CHUNK_BYTES) return void this.#small.append(chunk);
    this.#waiting.push(...this.#small.take(), chunk);
  }

  #take(): readonly Buffer[] {
    const taken = [...this.#waiting, ...this.#small.take()];
    this.#waiting = [];
    this.#waitingBytes = 0;
    return taken;
  }

  #write(chunks: readonly Buffer[]): void {
    this.#isWriting = true;
    for (const [i, chunk] of chunks.entries())
      this.#to.write(chunk, i === chunks.length - 1 ? this.#onWritten : undefined);
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (this.#isClosed || error instanceof Error) return;
    this.#isWriting = false;
    if (this.#waitingBytes > 0) this.#write(this.#take());
    else if (this.isEnded) return this.#events.onEnd();
    else this.#events.onFlowing();
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#unblock();
  };
}
