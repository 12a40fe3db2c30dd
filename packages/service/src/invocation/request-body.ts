import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

/** The requester left before its body was whole. */
export class RequesterGoneError extends Error {
  override readonly name = "RequesterGoneError";
  readonly code = "REQUESTER_GONE";
}

/**
 * The requester's body as a stream of its own. The HTTP client destroys the body that it is given when the target fails;
 * given the request itself, it would destroy the connection on which the requester waits for an answer.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #streamed: (bytes: number) => void;
  readonly #take = (chunk: Buffer): void => {
    this.#streamed(chunk.length);
    if (!this.push(chunk)) this.#request.pause();
  };

  /** @param streamed told of every piece that comes, in bytes. */
  constructor(request: IncomingMessage, streamed: (bytes: number) => void = () => undefined) {
    super();
    this.#request = request;
    this.#streamed = streamed;
    request.on("data", this.#take);
    request.on("end", () => this.push(null));
    request.on("close", () => {
      if (!request.complete) this.destroy(new RequesterGoneError("the requester left"));
    });
    request.pause();
  }

  override _read(): void {
    this.#request.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // What comes now is dropped; how much of it is still let in is for whoever answers.
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
): Promise<Buffer | "too_long" | "requester_left"> {
  const body = new RequestBody(request);
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
    throw error;
  }
  return Buffer.concat(chunks, length);
}
