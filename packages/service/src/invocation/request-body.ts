import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { LeastRate, Pace, Paced, Window } from "./pace.ts";
import { judgeRate } from "./pace.ts";

/** The requester left before its body was whole. */
export class RequesterGoneError extends Error {
  override readonly name = "RequesterGoneError";
  readonly code = "REQUESTER_GONE";
}

/** The requester was too slow in the middle of its body, or silent. */
export class RequesterSilentError extends Error {
  override readonly name = "RequesterSilentError";
  readonly code = "REQUESTER_SILENT";
}

/** How bodies are read. */
export interface BodyOptions {
  readonly pace: Pace;
  /** How fast a requester must send while more is waited for. */
  readonly sender: LeastRate;
  /** Told of every piece that comes, in bytes, before it is passed on. */
  readonly passing: (bytes: number) => void;
}

/**
 * The requester's body as a stream of its own. The HTTP client destroys the body that it is given when the target fails;
 * given the request itself, it would destroy the connection on which the requester waits for an answer.
 */
export class RequestBody extends Readable implements Paced {
  place = -1;
  readonly #request: IncomingMessage;
  readonly #options: BodyOptions;
  #received = 0;
  #isWaiting = false;
  #window: Window | undefined;
  readonly #take = (chunk: Buffer): void => {
    this.#received += chunk.length;
    this.#options.passing(chunk.length);
    if (this.push(chunk)) return;
    // Nobody waits for more until this is read.
    this.#isWaiting = false;
    this.#request.pause();
  };

  constructor(request: IncomingMessage, options: BodyOptions) {
    // What is not taken at once waits in the request, which joins small pieces; pieces that wait here would be counted by
    // their bytes alone.
    super({ highWaterMark: 1 });
    this.#request = request;
    this.#options = options;
    // Whoever reads it is told by the stream; once nobody does, that the requester left is nobody's error.
    this.on("error", () => undefined);
    request.on("data", this.#take);
    request.on("end", () => {
      options.pace.delete(this);
      this.push(null);
    });
    request.on("close", () => {
      if (!request.complete) this.destroy(new RequesterGoneError("the requester left"));
    });
    request.pause();
    options.pace.add(this);
  }

  override _read(): void {
    this.#isWaiting = true;
    this.#request.resume();
  }

  tick(now: number): void {
    if (!this.#isWaiting) {
      this.#window = undefined;
      return;
    }
    const judged = judgeRate(this.#window, this.#received, now, this.#options.sender);
    if (judged === "too_slow") this.destroy(new RequesterSilentError("the requester was too slow"));
    else this.#window = judged;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // What comes now is dropped; how much of it is still let in is for whoever answers.
    this.#options.pace.delete(this);
    this.#request.off("data", this.#take);
    done(error);
  }
}
