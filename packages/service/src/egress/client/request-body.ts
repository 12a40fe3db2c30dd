import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { InvalidRequestError, LengthMismatchError } from "./errors.ts";
import type { OutgoingHead } from "./request-head.ts";

/** Writes a request whose body is at hand, head and body at once. */
export function writeWhole(socket: Socket, head: OutgoingHead, body: Buffer | null): void {
  const length = body?.length ?? 0;
  if (body === null || length === 0) {
    socket.write(`${head.lines}${head.expectsBody ? "content-length: 0\r\n" : ""}\r\n`, "latin1");
    return;
  }
  socket.cork();
  socket.write(`${head.lines}content-length: ${length}\r\n\r\n`, "latin1");
  socket.write(body);
  socket.uncork();
}

/** What happens to a body while it is written. */
export interface BodyEvents {
  /** The target takes no more at present. */
  onBodyBlocked(): void;
  /** The whole request was handed to the socket. */
  onBodySent(): void;
  /** The body has failed: the request can neither be completed nor taken back. */
  onBodyError(error: Error): void;
}

/**
 * Writes a request whose body arrives in pieces: its head together with the first one. The body has the length that the headers
 * say, or chunks (RFC 9112 §7.1).
 */
export class BodyWriter {
  readonly #socket: Socket;
  readonly #head: OutgoingHead;
  readonly #body: Readable;
  readonly #events: BodyEvents;
  #written = 0;
  #isOver = false;

  constructor(socket: Socket, head: OutgoingHead, body: Readable, events: BodyEvents) {
    this.#socket = socket;
    this.#head = head;
    this.#body = body;
    this.#events = events;
  }

  start(): void {
    const body = this.#body;
    // A body that is over already says so no more.
    if (body.destroyed && !body.readableEnded) return this.#fail(body.errored ?? new BodyClosedError());
    body
      .on("data", this.#onData)
      .on("end", this.#onEnd)
      .on("close", this.#onClose)
      .on("error", this.#onError);
    this.#socket.on("drain", this.#onDrain);
    if (body.readableEnded) this.#onEnd();
    else body.resume();
  }

  /** Writes nothing more, and destroys the body unless it has ended. */
  stop(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#body.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    const { declaredLength, lines } = this.#head;
    if (chunk.length === 0) return;
    const isFirst = this.#written === 0;
    this.#written += chunk.length;
    if (declaredLength !== undefined && this.#written > declaredLength)
      return this.#fail(new LengthMismatchError());
    const socket = this.#socket;
    socket.cork();
    if (declaredLength === undefined) {
      const first = isFirst ? `${lines}transfer-encoding: chunked\r\n` : "";
      socket.write(`${first}\r\n${chunk.length.toString(16)}\r\n`, "latin1");
    } else if (isFirst) socket.write(`${lines}content-length: ${declaredLength}\r\n\r\n`, "latin1");
    const hasRoom = socket.write(chunk);
    socket.uncork();
    if (hasRoom) return;
    this.#body.pause();
    this.#events.onBodyBlocked();
  };

  readonly #onEnd = (): void => {
    const { declaredLength } = this.#head;
    if (declaredLength !== undefined && this.#written !== declaredLength)
      return this.#fail(new LengthMismatchError());
    this.#finish();
    if (this.#written === 0) writeWhole(this.#socket, this.#head, null);
    else if (declaredLength === undefined) this.#socket.write("\r\n0\r\n\r\n", "latin1");
    this.#events.onBodySent();
  };

  readonly #onDrain = (): void => {
    this.#body.resume();
  };

  readonly #onClose = (): void => this.#fail(new BodyClosedError());

  readonly #onError = (error: Error): void => this.#fail(error);

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.stop();
    this.#events.onBodyError(error);
  }

  /** Keeps the listener for errors: an error that nothing listens to would end the process. */
  #finish(): void {
    this.#isOver = true;
    this.#socket.off("drain", this.#onDrain);
    this.#body.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose);
  }
}

/** The body was destroyed before its end, without an error. */
class BodyClosedError extends InvalidRequestError {
  constructor() {
    super("the body was closed before its end");
  }
}
