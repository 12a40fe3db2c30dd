import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { MinDataRate, RateWindow } from "./min-data-rate.ts";
import { checkRate } from "./min-data-rate.ts";
import type { Ticker, Tickable } from "./ticker.ts";

/** The requester left before its body was whole. */
export class ClientDisconnectedError extends Error {
  override readonly name = "ClientDisconnectedError";
  readonly code = "CLIENT_DISCONNECTED";
}

/** The requester was too slow in the middle of its body, or silent. */
export class ClientTooSlowError extends Error {
  override readonly name = "ClientTooSlowError";
  readonly code = "CLIENT_TOO_SLOW";
}

/** How bodies are read. */
export interface BodyOptions {
  readonly ticker: Ticker;
  /** How fast a requester must send while more is waited for. */
  readonly minRequestRate: MinDataRate;
  /** Told of every piece that comes, in bytes, before it is passed on. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * The requester's body as a stream of its own. The HTTP client destroys the body that it is given when the target fails;
 * given the request itself, it would destroy the connection on which the requester waits for an answer.
 */
export class RequestBody extends Readable implements Tickable {
  index = -1;
  readonly #request: IncomingMessage;
  readonly #options: BodyOptions;
  #received = 0;
  #isWaiting = false;
  #window: RateWindow | undefined;
  readonly #onData = (chunk: Buffer): void => {
    this.#received += chunk.length;
    this.#options.onBytes(chunk.length);
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
    request.on("data", this.#onData);
    request.on("end", () => {
      options.ticker.delete(this);
      this.push(null);
    });
    request.on("close", () => {
      if (!request.complete) this.destroy(new ClientDisconnectedError("the requester left"));
    });
    request.pause();
    options.ticker.add(this);
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
    const window = checkRate(this.#window, this.#received, now, this.#options.minRequestRate);
    if (window === "too_slow") this.destroy(new ClientTooSlowError("the requester was too slow"));
    else this.#window = window;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // What comes now is dropped; how much of it is still let in is for whoever answers.
    this.#options.ticker.delete(this);
    this.#request.off("data", this.#onData);
    done(error);
  }
}
