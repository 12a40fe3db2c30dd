import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

/** The requester left before its body was whole. */
export class RequesterGoneError extends Error {
  override readonly name = "RequesterGoneError";
  readonly code = "REQUESTER_GONE";
}

/** The requester fell silent in the middle of its body. */
export class RequesterSilentError extends Error {
  override readonly name = "RequesterSilentError";
  readonly code = "REQUESTER_SILENT";
}

/** How a body is read. */
export interface BodyOptions {
  /** Longest silence while more is waited for, in milliseconds. */
  readonly idleMs: number;
  /** Told of every piece that comes, in bytes. */
  readonly streamed?: (bytes: number) => void;
}

/**
 * The requester's body as a stream of its own. The HTTP client destroys the body that it is given when the target fails;
 * given the request itself, it would destroy the connection on which the requester waits for an answer.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #options: BodyOptions;
  #silence: NodeJS.Timeout | undefined;
  readonly #take = (chunk: Buffer): void => {
    this.#options.streamed?.(chunk.length);
    if (this.push(chunk)) {
      this.#silence?.refresh();
      return;
    }
    // Nobody waits for more until this is read.
    this.#stopWaiting();
    this.#request.pause();
  };

  constructor(request: IncomingMessage, options: BodyOptions) {
    super();
    this.#request = request;
    this.#options = options;
    // Whoever reads it is told by the stream; once nobody does, that the requester left is nobody's error.
    this.on("error", () => undefined);
    request.on("data", this.#take);
    request.on("end", () => {
      this.#stopWaiting();
      this.push(null);
    });
    request.on("close", () => {
      if (!request.complete) this.destroy(new RequesterGoneError("the requester left"));
    });
    request.pause();
  }

  override _read(): void {
    this.#silence ??= setTimeout(
      () => this.destroy(new RequesterSilentError("the requester fell silent")),
      this.#options.idleMs,
    );
    this.#request.resume();
  }

  #stopWaiting(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // What comes now is dropped; how much of it is still let in is for whoever answers.
    this.#stopWaiting();
    this.#request.off("data", this.#take);
    done(error);
  }
}

/**
 * Reads a whole body into memory.
 *
 * @param limit in bytes; what is left of a longer body is not read.
 */
export async function holdBody(
  request: IncomingMessage,
  limit: number,
  options: BodyOptions,
): Promise<Buffer | "too_long" | "requester_left" | "requester_silent"> {
  const body = new RequestBody(request, options);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError("a request body is read as bytes");
      length += chunk.length;
      if (length > limit) return "too_long";
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof RequesterGoneError) return "requester_left";
    if (error instanceof RequesterSilentError) return "requester_silent";
    throw error;
  }
  return Buffer.concat(chunks, length);
}
