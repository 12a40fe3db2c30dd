import { IncomingMessage } from "node:http";
import { SMALL_CHUNK_BYTES, Slabs, UNJOINED_CHUNKS } from "../../collections/slabs.ts";

/** Pieces under this many bytes count as tiny: the work for each is far more than that for its bytes. */
const TINY_BYTES = 16;

/** How many tiny pieces a body may have in {@link WINDOW_MS} before its connection is paused. */
const TINY_CHUNKS = 2_048;
const WINDOW_MS = 100;

/** How long such a body is paused while other requests arrive, and how often that is checked, in milliseconds. */
const MAX_PAUSE_MS = 6_000;
const CHECK_INTERVAL_MS = 50;

/** How many bytes of a body that is being read may wait before its connection is paused. */
const MAX_BUFFERED_BYTES = 64 * 1_024;

/**
 * Makes the class of a server's requests. Small pieces of a body wait in slabs, while the body is not read, or else until the end
 * of the turn of the event loop, so that many are passed on as one. Node counts the bytes that wait, not the pieces: a body in
 * chunks of one byte would take megabytes before its connection is paused, even while its request waits for its turn.
 *
 * Bodies must be read with `resume` and `data` events: other ways to read would miss the bytes that wait in slabs.
 *
 * One read of a connection, 64 KiB, has ten thousand chunks of one byte, which block the event loop for some 40 ms. Such
 * bodies are read one at a time, with pauses while there are other requests.
 */
export function createCoalescingRequest(): typeof IncomingMessage {
  const queue = new ThrottleQueue();

  return class CoalescingRequest extends IncomingMessage {
    #buffered: Slabs | undefined;
    #isFlushScheduled = false;
    #smallChunks = 0;
    #tinyChunks = 0;
    #tinySince = 0;
    #isThrottled = false;

    constructor(...given: ConstructorParameters<typeof IncomingMessage>) {
      super(...given);
      queue.requests += 1;
    }

    /** Called by Node's parser with each piece. @returns false to pause the connection. */
    override push(chunk: unknown, encoding?: BufferEncoding): boolean {
      if (!Buffer.isBuffer(chunk) || chunk.length >= SMALL_CHUNK_BYTES) {
        this.#flush();
        return super.push(chunk, encoding);
      }
      if (chunk.length < TINY_BYTES) this.#countTiny();
      const isFlowing = this.readableFlowing === true;
      if (isFlowing && this.#buffered === undefined && (this.#smallChunks += 1) <= UNJOINED_CHUNKS)
        return super.push(chunk, encoding);
      const buffered = (this.#buffered ??= new Slabs());
      buffered.append(chunk);
      if (isFlowing) this.#flushLater();
      const limit = isFlowing ? MAX_BUFFERED_BYTES : this.readableHighWaterMark;
      return this.readableLength + buffered.length < limit && !this.#isThrottled;
    }

    /** Not with `nextTick`: Node runs that queue after every piece. */
    #flushLater(): void {
      if (this.#isFlushScheduled) return;
      this.#isFlushScheduled = true;
      setImmediate(() => {
        this.#isFlushScheduled = false;
        if (this.readableFlowing === true) this.#flush();
      });
    }

    override resume(): this {
      super.resume();
      this.#flush();
      return this;
    }

    override _read(size: number): void {
      if (!this.#isThrottled) super._read(size);
    }

    #flush(): void {
      const waiting = this.#buffered;
      if (waiting === undefined) return;
      this.#buffered = undefined;
      for (const slab of waiting.take()) super.push(slab);
    }

    #countTiny(): void {
      this.#tinyChunks += 1;
      if (this.#isThrottled || this.#tinyChunks % TINY_CHUNKS !== 0) return;
      const now = performance.now();
      const isFast = now - this.#tinySince < WINDOW_MS;
      this.#tinySince = now;
      if (!isFast && this.#tinyChunks > TINY_CHUNKS) return;
      this.#isThrottled = true;
      queue.add(() => {
        this.#isThrottled = false;
        super._read(0);
      });
    }
  };
}

/** Paused bodies, which resume one after the other. */
class ThrottleQueue {
  /** How many requests there have been. */
  requests = 0;
  readonly #paused: (() => void)[] = [];
  #requestsSeen = 0;
  #pausedMs = 0;

  add(resume: () => void): void {
    this.#paused.push(resume);
    if (this.#paused.length === 1) this.#start();
  }

  #start(): void {
    this.#pausedMs = 0;
    this.#requestsSeen = this.requests;
    setImmediate(this.#check);
  }

  readonly #check = (): void => {
    const isBusy = this.requests !== this.#requestsSeen;
    this.#requestsSeen = this.requests;
    if ((isBusy || this.#pausedMs === 0) && this.#pausedMs < MAX_PAUSE_MS) {
      this.#pausedMs += CHECK_INTERVAL_MS;
      setTimeout(this.#check, CHECK_INTERVAL_MS).unref();
      return;
    }
    this.#paused.shift()?.();
    if (this.#paused.length > 0) this.#start();
  };
}
