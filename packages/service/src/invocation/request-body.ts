import { Readable } from "node:stream";
import type { Problem } from "capability-protocol";
import type { Denial } from "../domain/denial.ts";
import type { DownstreamRequest } from "../http1/downstream.ts";
import type { MinDataRate, RateWindow } from "./min-data-rate.ts";
import { checkRate } from "./min-data-rate.ts";
import type { Ticker, Tickable } from "./ticker.ts";

/** The client disconnected before its body was complete. */
export class ClientDisconnectedError extends Error {
  override readonly name = "ClientDisconnectedError";
  readonly code = "CLIENT_DISCONNECTED";
}

/** The client sent its body too slowly. */
export class ClientTooSlowError extends Error {
  override readonly name = "ClientTooSlowError";
  readonly code = "CLIENT_TOO_SLOW";
}

/** The client's body has no meaning, and what was read of it was sent to the target. */
export class InvalidBodyError extends Error {
  override readonly name = "InvalidBodyError";
  readonly code = "INVALID_BODY";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super("the body is invalid");
    this.problem = problem;
  }
}

/** The client's body is longer than the limits of the capability allow. */
export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
  readonly code = "BODY_TOO_LARGE";
  /** In bytes. */
  readonly limit: number;

  constructor(limit: number) {
    super("the body is too large");
    this.limit = limit;
  }
}

/** The refusal for an error of the client's body; nothing for a client that has disconnected, and for any other error. */
export function denialForBodyError(error: Error): Denial | undefined {
  if (error instanceof ClientTooSlowError) return { reason: "request_timeout" };
  if (error instanceof BodyTooLargeError) return { reason: "body_too_large", limit: error.limit };
  return error instanceof InvalidBodyError ? { reason: "invalid_field", problem: error.problem } : undefined;
}

/** How bodies are read. */
export interface BodyOptions {
  readonly ticker: Ticker;
  /** How fast a client must send while the body is read. */
  readonly minRequestRate: MinDataRate;
  /** Called with the length of every chunk, in bytes, before it is passed on. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * The client's body as a separate stream. An HTTP client destroys the body that it sends when the target fails; given the request
 * itself, it would destroy the connection on which the client waits for a response.
 */
export class RequestBody extends Readable implements Tickable {
  index = -1;
  readonly #request: DownstreamRequest;
  readonly #options: BodyOptions;
  readonly #maxBytes: number;
  #received = 0;
  #isReceived = false;
  #isWaiting = false;
  #window: RateWindow | undefined;
  readonly #onData = (chunk: Buffer): void => {
    this.#received += chunk.length;
    this.#options.onBytes(chunk.length);
    if (this.#received > this.#maxBytes) return void this.destroy(new BodyTooLargeError(this.#maxBytes));
    if (this.push(chunk)) return;
    // Suspends the rate check until the next read: the reader causes this delay, not the client.
    this.#isWaiting = false;
    this.#request.pause();
  };

  /** @param maxBytes how long the body may be; nothing of a longer one passes from the first piece on that is over it. */
  constructor(request: DownstreamRequest, options: BodyOptions, maxBytes: number = Infinity) {
    // What is not taken at once waits in the request, which joins small pieces; pieces that wait here would be counted by
    // their bytes alone.
    super({ highWaterMark: 1 });
    this.#request = request;
    this.#options = options;
    this.#maxBytes = maxBytes;
    // The stream reports errors to its reader; without a reader a disconnect must not be an uncaught error.
    this.on("error", () => undefined);
    request.on("data", this.#onData);
    request.on("end", () => {
      this.#isReceived = true;
      options.ticker.delete(this);
      this.push(null);
    });
    request.on("close", () => this.#endIfLost());
    request.pause();
    options.ticker.add(this);
    // A client that has left while something else was waited for causes no event any more.
    if (request.socket.destroyed) this.#endIfLost();
  }

  /** What has arrived of a complete body may still be read, unless the request drops it with its connection. */
  #endIfLost(): void {
    const isLost = !this.#request.complete || this.#request.destroyed === true;
    if (isLost && !this.#isReceived) this.destroy(new ClientDisconnectedError("the client disconnected"));
  }

  override _read(): void {
    this.#isWaiting = true;
    this.#request.resume();
  }

  tick(now: number): void {
    if (!this.#isWaiting || this.#request.isThrottled === true) {
      this.#window = undefined;
      return;
    }
    const window = checkRate(this.#window, this.#received, now, this.#options.minRequestRate);
    if (window === "too_slow") this.destroy(new ClientTooSlowError("the client was too slow"));
    else this.#window = window;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // What arrives now is dropped; the response decides how much of it is still read.
    this.#options.ticker.delete(this);
    this.#request.off("data", this.#onData);
    done(error);
  }
}
