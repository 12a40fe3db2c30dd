import type { Denial } from "../domain/denial.ts";
import type { ConnectionWaiter, UpstreamHandler, UpstreamLease, UpstreamPool } from "../http1/upstream.ts";
import { countWhileHeld } from "./count-while-held.ts";
import type { UpstreamRequest } from "./exchange-context.ts";
import type { ExchangeTimes } from "./exchange-times.ts";
import { decideRetry } from "./retry.ts";
import { sendSigned } from "./send-signed.ts";

/** The handler of a request, which also learns why nothing of it is sent. */
export interface AttemptHandler extends UpstreamHandler {
  /** The use is refused. */
  onDenied(denial: Denial): void;
  /** A fault of the service: whether the use is counted is not known. */
  onFault(fault: unknown): void;
}

/**
 * The connections that a request gets, one after the other, until it has a response: its use is counted on the first one, and another one
 * replaces one that its target has closed.
 */
export class UpstreamAttempts implements ConnectionWaiter {
  readonly #upstream: UpstreamPool;
  readonly #request: UpstreamRequest;
  readonly #handler: AttemptHandler;
  readonly #times: ExchangeTimes;
  #lease: UpstreamLease | undefined;
  /** Counts the use. Absent once it is counted, whatever connections the request is sent on. */
  #countUse: UpstreamRequest["countUse"];
  #stopCounting: (() => void) | undefined;
  /** A part of the request may have reached the target on this connection. */
  #isBegun = false;
  #isResponseStarted = false;
  #isRetried = false;

  constructor(
    upstream: UpstreamPool,
    request: UpstreamRequest,
    handler: AttemptHandler,
    times: ExchangeTimes,
  ) {
    this.#upstream = upstream;
    this.#request = request;
    this.#handler = handler;
    this.#times = times;
    this.#countUse = request.countUse;
  }

  /** A part of the request may have reached the target, on this connection or on one that closed under it. */
  get mayHaveArrived(): boolean {
    return this.#isBegun || this.#isRetried;
  }

  start(): void {
    // Limits the wait for a connection: the timeout of the request itself begins when it is sent.
    this.#times.waitMs = this.#request.responseTimeoutMs;
    this.#upstream.acquire(this);
    this.#times.isWaiting = this.#lease === undefined;
  }

  onConnection(lease: UpstreamLease): void {
    this.#lease = lease;
    this.#times.connect();
    if (this.#countUse === undefined) return sendSigned(lease, this.#request, this.#handler);
    // The store has its own limit on the time of a write.
    this.#times.waitMs = Number.POSITIVE_INFINITY;
    this.#stopCounting = countWhileHeld(lease, this.#countUse, {
      onCounted: () => this.#onCounted(lease),
      onDenied: (denial) => this.#handler.onDenied(denial),
      onFault: (fault) => this.#handler.onFault(fault),
    });
  }

  onConnectError(error: Error): void {
    this.#handler.onError(error, "incomplete");
  }

  /** The first byte is about to be sent. */
  begin(): void {
    this.#isBegun = true;
    this.#times.begin();
  }

  /** A part of a response has arrived: the request is sent on no other connection. */
  startResponse(): void {
    this.#isResponseStarted = true;
  }

  /** Tries another connection after a failure. @returns false if there is none to try: the request has failed. */
  retry(): boolean {
    const decision = this.#decideRetry();
    if (decision === "fail") {
      // A request that was not begun leaves its connection leased.
      if (!this.#isBegun) this.#lease?.discard();
      return false;
    }
    this.#waitAnew();
    this.#isRetried ||= decision === "send_again";
    if (decision === "send") this.#upstream.acquire(this);
    else this.#upstream.acquireNew(this);
    return true;
  }

  /** Waits for no connection any more, nor for the count of the use. */
  stop(): void {
    this.#upstream.cancel(this);
    this.#stopCounting?.();
  }

  /** Ends the request on its connection. */
  abort(error: Error): void {
    this.#lease?.abort(this.#handler, error);
  }

  #onCounted(lease: UpstreamLease): void {
    this.#countUse = undefined;
    if (lease.isOpen) return sendSigned(lease, this.#request, this.#handler);
    this.#waitAnew();
    this.#upstream.acquire(this);
  }

  #waitAnew(): void {
    this.#isBegun = false;
    this.#lease = undefined;
    this.#times.waitAnew(this.#request.responseTimeoutMs);
  }

  #decideRetry(): ReturnType<typeof decideRetry> {
    if (this.#lease === undefined) return "fail";
    return decideRetry({
      request: this.#request,
      connection: this.#lease,
      isSent: this.#isBegun,
      isResponseStarted: this.#isResponseStarted,
      isRetried: this.#isRetried,
    });
  }
}
