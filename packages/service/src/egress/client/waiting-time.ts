import type { RequestMessage } from "../../http1/upstream.ts";

/** What a connection waits for. */
type Phase =
  /** Nothing of its target: it is leased, and nothing was sent. */
  | "leased"
  /** Its next request. */
  | "unused"
  /** The beginning of the final response. */
  | "head"
  /** More of the response. */
  | "body";

/** What bounds the time of each phase. */
export interface TimeLimits {
  /** How long the connection may be unused, in milliseconds. */
  readonly keepAliveMs: number;
  readonly request: Pick<RequestMessage, "responseTimeoutMs" | "idleTimeoutMs"> | undefined;
  /** The rest of the request comes from the client, and the target takes what there is: the target is not late. */
  readonly isClientsTurn: boolean;
  /** The response waits for the client. */
  readonly isPaused: boolean;
}

/** How long a connection has waited for its target. The clock is read when a request begins, and at ticks. */
export class WaitingTime {
  #phase: Phase = "leased";
  /** When the phase began, or something last moved in it. */
  #since = 0;
  #hasMoved = false;

  lease(): void {
    this.#phase = "leased";
  }

  keep(): void {
    this.#phase = "unused";
    this.#hasMoved = true;
  }

  begin(now: number): void {
    this.#phase = "head";
    this.#since = now;
    this.#hasMoved = false;
  }

  /** A part of the final response has arrived. */
  receive(): void {
    this.#phase = "body";
    this.#hasMoved = true;
  }

  /** The request has moved, or the response goes on: the time begins anew. */
  move(): void {
    this.#hasMoved = true;
  }

  /** @returns whose time is over at `now`, in milliseconds. */
  check(now: number, limits: TimeLimits): "unused" | "no response" | "silent" | undefined {
    const { keepAliveMs, request, isClientsTurn, isPaused } = limits;
    if (this.#hasMoved || (this.#phase === "body" && isPaused)) this.#since = now;
    this.#hasMoved = false;
    const elapsed = now - this.#since;
    if (this.#phase === "unused") return elapsed >= keepAliveMs ? "unused" : undefined;
    if (this.#phase === "leased" || request === undefined) return undefined;
    if (this.#phase === "body") return elapsed >= request.idleTimeoutMs ? "silent" : undefined;
    return elapsed >= request.responseTimeoutMs && !isClientsTurn ? "no response" : undefined;
  }
}
