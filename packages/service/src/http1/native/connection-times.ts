import type { Socket } from "node:net";
import type { ListenerOptions } from "../listener.ts";

/** The limits of time of a connection. */
export type TimeLimits = Pick<
  ListenerOptions,
  "requestHeaderTimeoutMs" | "keepAliveTimeoutMs" | "socketTimeoutMs"
>;

/** How long a connection has waited for its client. The clock is read when a head begins, and at ticks. */
export class ConnectionTimes {
  /** When the wait for the current head began; undefined while none is awaited. */
  #headSince: number | undefined;
  /** Something has come, or a response was sent, since the latest tick. */
  #hasMoved = false;
  #movedAt: number;
  /** Bytes that were sent by the latest tick at which a request was in flight. */
  #sent = 0;

  constructor(now: number) {
    this.#movedAt = this.#headSince = now;
  }

  /** Since when a head is awaited, or its rest. */
  get headSince(): number | undefined {
    return this.#headSince;
  }

  move(): void {
    this.#hasMoved = true;
  }

  /** A part of a head has come. */
  beginHead(now: number): void {
    this.#headSince ??= now;
  }

  endHead(): void {
    this.#headSince = undefined;
  }

  /** @returns what the connection has waited for too long, by `now`, in milliseconds. */
  check(
    now: number,
    socket: Socket,
    isInFlight: boolean,
    { requestHeaderTimeoutMs, keepAliveTimeoutMs, socketTimeoutMs }: TimeLimits,
  ): "head" | "bytes" | undefined {
    if (this.#hasMoved || (isInFlight && this.#isSending(socket))) this.#movedAt = now;
    this.#hasMoved = false;
    if (this.#headSince !== undefined)
      return now - this.#headSince >= requestHeaderTimeoutMs ? "head" : undefined;
    return this.idleMs(now) >= (isInFlight ? socketTimeoutMs : keepAliveTimeoutMs) ? "bytes" : undefined;
  }

  /** How long nothing has moved, at the latest tick. */
  idleMs(now: number): number {
    return now - this.#movedAt;
  }

  /** Whether a part of the response was sent since it was asked last. An idle connection is not asked: there may be thousands. */
  #isSending(socket: Socket): boolean {
    const sent = socket.bytesWritten - socket.writableLength;
    const isSending = sent !== this.#sent;
    this.#sent = sent;
    return isSending;
  }
}
