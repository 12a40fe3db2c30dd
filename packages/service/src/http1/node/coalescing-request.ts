import { IncomingMessage } from "node:http";
import { SMALL_CHUNK_BYTES, Slabs, UNJOINED_CHUNKS } from "../../collections/slabs.ts";
import type { RequestCount } from "../shared/request-count.ts";
import type { ThrottledBody } from "./throttle-queue.ts";
import { ThrottleQueue } from "./throttle-queue.ts";

/** Pieces under this many bytes count as tiny: the work for each is far more than that for its bytes. */
const TINY_BYTES = 16;

/** How many tiny pieces a body may have in {@link WINDOW_MS} before its connection is paused. */
const TINY_CHUNKS = 2_048;
const WINDOW_MS = 100;

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
 *
 * @param requests of the whole listener: each of the class is added to it.
 */
export function createCoalescingRequest(requests: RequestCount): typeof IncomingMessage {
  const queue = new ThrottleQueue(requests);

  return class CoalescingRequest extends IncomingMessage implements ThrottledBody {
    tinyChunks = 0;
    isThrottled = false;
    #buffered: Slabs | undefined;
    #isFlushScheduled = false;
    #smallChunks = 0;
    /** When the first tiny piece arrived, or the latest of those that fill up {@link TINY_CHUNKS}. */
    #tinySince = 0;

    constructor(...given: ConstructorParameters<typeof IncomingMessage>) {
      super(...given);
      requests.begun += 1;
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
      return this.#hasRoom() && !this.isThrottled;
    }

    #hasRoom(): boolean {
      const limit = this.readableFlowing === true ? MAX_BUFFERED_BYTES : this.readableHighWaterMark;
      return this.readableLength + (this.#buffered?.length ?? 0) < limit;
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
      if (!this.isThrottled) super._read(size);
    }

    #flush(): void {
      const waiting = this.#buffered;
      if (waiting === undefined) return;
      this.#buffered = undefined;
      for (const slab of waiting.take()) super.push(slab);
    }

    #countTiny(): void {
      if (this.tinyChunks === 0) this.#tinySince = performance.now();
      this.tinyChunks += 1;
      if (this.isThrottled || this.tinyChunks % TINY_CHUNKS !== 0) return;
      const now = performance.now();
      const isFast = now - this.#tinySince < WINDOW_MS;
      this.#tinySince = now;
      if (!isFast) return;
      this.isThrottled = true;
      queue.add(this);
    }

    unthrottle(): void {
      this.isThrottled = false;
      // One that is not read by its reader would grow with each of these reads.
      if (this.#hasRoom()) super._read(0);
    }
  };
}
