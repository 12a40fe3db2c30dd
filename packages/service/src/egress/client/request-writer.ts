import type { Socket } from "node:net";
import type { RequestMessage } from "../../http1/upstream.ts";
import type { BodyEvents } from "./request-body.ts";
import { BodyWriter, writeWhole } from "./request-body.ts";
import type { OutgoingHead } from "./request-head.ts";

/** What a connection learns of the request that is written. */
export interface RequestEvents {
  /** A part of it was handed to the socket, or its target takes no more at present: it is the target's turn. */
  onMoved(): void;
  /** The body has failed: the request can neither be completed nor taken back. */
  onError(error: Error): void;
}

/** Writes the requests of a connection, one at a time. */
export class RequestWriter implements BodyEvents {
  /** Everything was handed to the socket. */
  isSent = true;
  readonly #socket: Socket;
  readonly #events: RequestEvents;
  #body: BodyWriter | undefined;

  constructor(socket: Socket, events: RequestEvents) {
    this.#socket = socket;
    this.#events = events;
  }

  /** The rest of the body has not come, and the target has taken what came. */
  get waitsForBody(): boolean {
    return !this.isSent && !this.#socket.writableNeedDrain;
  }

  start(head: OutgoingHead, body: RequestMessage["body"]): void {
    this.isSent = body === null || Buffer.isBuffer(body);
    if (body === null || Buffer.isBuffer(body)) return writeWhole(this.#socket, head, body);
    this.#body = new BodyWriter(this.#socket, head, body, this);
    this.#body.start();
  }

  /** Writes nothing more of the request. */
  stop(): void {
    this.#body?.stop();
    this.#body = undefined;
  }

  onBodyBlocked(): void {
    this.#events.onMoved();
  }

  onBodySent(): void {
    this.isSent = true;
    this.#events.onMoved();
  }

  onBodyError(error: Error): void {
    this.#events.onError(error);
  }
}
