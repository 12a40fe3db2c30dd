import { IncomingMessage } from "node:http";
import { SMALL_PIECE_BYTES, Slabs } from "../collections/slabs.ts";

/** Pieces under this many bytes cost the event loop far more than their bytes. */
const TINY_BYTES = 16;

/** How many of them a body may have in {@link WINDOW_MS} before its connection is paused. */
const TINY_PIECES = 2_048;
const WINDOW_MS = 100;

/** How long such a body is paused while other requests come, and how often that is checked, in milliseconds. */
const REST_MS = 6_000;
const LOOK_MS = 50;

/** So many small pieces of a body that is read are passed on unchanged: few bodies have more. */
const PIECES_UNJOINED = 16;

/** How many bytes of a body that is read may wait before its connection is paused. */
const MOST_WAITING = 64 * 1_024;

/**
 * The class of a server's requests. Small pieces of a body wait in slabs: while the body is not read, and otherwise until the
 * end of the turn of the event loop, so that many are passed on as one. Node counts the bytes that wait, not the pieces: a body
 * in chunks of one byte would take megabytes before its connection is paused, also while its request waits for its turn.
 *
 * Bodies must be read with `resume` and `data` events: only these pass on waiting bytes before the end.
 *
 * One read of a connection, 64 KiB, holds ten thousand chunks of one byte, which take the event loop some 40 ms. Bodies
 * like this are read one at a time, with pauses while there are other requests.
 */
export function joiningRequests(): typeof IncomingMessage {
  const queue = new RestQueue();

  return class JoiningRequest extends IncomingMessage {
    #waiting: Slabs | undefined;
    #isFlushing = false;
    #smallPieces = 0;
    #tinyPieces = 0;
    #since = 0;
    #isResting = false;

    constructor(...given: ConstructorParameters<typeof IncomingMessage>) {
      super(...given);
      queue.requests += 1;
    }

    /** Called by Node's parser for each piece. @returns false to pause the connection. */
    override push(piece: unknown, encoding?: BufferEncoding): boolean {
      if (!Buffer.isBuffer(piece) || piece.length >= SMALL_PIECE_BYTES) {
        this.#flush();
        return super.push(piece, encoding);
      }
      if (piece.length < TINY_BYTES) this.#countTiny();
      const isFlowing = this.readableFlowing === true;
      if (isFlowing && this.#waiting === undefined && (this.#smallPieces += 1) <= PIECES_UNJOINED)
        return super.push(piece, encoding);
      const waiting = (this.#waiting ??= new Slabs());
      waiting.append(piece);
      if (isFlowing) this.#flushLater();
      const most = isFlowing ? MOST_WAITING : this.readableHighWaterMark;
      return this.readableLength + waiting.length < most && !this.#isResting;
    }

    /** Not in `nextTick`: Node runs its queue after every piece. */
    #flushLater(): void {
      if (this.#isFlushing) return;
      this.#isFlushing = true;
      setImmediate(() => {
        this.#isFlushing = false;
        if (this.readableFlowing === true) this.#flush();
      });
    }

    override resume(): this {
      super.resume();
      this.#flush();
      return this;
    }

    override _read(size: number): void {
      if (!this.#isResting) super._read(size);
    }

    #flush(): void {
      const waiting = this.#waiting;
      if (waiting === undefined) return;
      this.#waiting = undefined;
      for (const slab of waiting.take()) super.push(slab);
    }

    #countTiny(): void {
      this.#tinyPieces += 1;
      if (this.#isResting || this.#tinyPieces % TINY_PIECES !== 0) return;
      const now = performance.now();
      const isFast = now - this.#since < WINDOW_MS;
      this.#since = now;
      if (!isFast && this.#tinyPieces > TINY_PIECES) return;
      this.#isResting = true;
      queue.add(() => {
        this.#isResting = false;
        super._read(0);
      });
    }
  };
}

/** Paused bodies, which resume one after the other. */
class RestQueue {
  /** How many requests there were so far. */
  requests = 0;
  readonly #resting: (() => void)[] = [];
  #requestsSeen = 0;
  #restedMs = 0;

  add(goOn: () => void): void {
    this.#resting.push(goOn);
    if (this.#resting.length === 1) this.#begin();
  }

  #begin(): void {
    this.#restedMs = 0;
    this.#requestsSeen = this.requests;
    setImmediate(this.#look);
  }

  readonly #look = (): void => {
    const isBusy = this.requests !== this.#requestsSeen;
    this.#requestsSeen = this.requests;
    if ((isBusy || this.#restedMs === 0) && this.#restedMs < REST_MS) {
      this.#restedMs += LOOK_MS;
      setTimeout(this.#look, LOOK_MS).unref();
      return;
    }
    this.#resting.shift()?.();
    if (this.#resting.length > 0) this.#begin();
  };
}
