import type { Readable } from "node:stream";

/** A request, but for its headers: these are signed when there is a connection for it. */
export interface RequestMessage {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body: Readable | Buffer | null;
  /** Milliseconds until the target must have begun its response. */
  readonly responseTimeoutMs: number;
  /** Milliseconds without a byte of the response after which the request fails. */
  readonly idleTimeoutMs: number;
}

/** Why a request failed: the target was too slow, or it sent no valid and complete response. */
export type UpstreamFailure = "timeout" | "incomplete";

/**
 * What becomes of a request, in this order. After `onEnd` or `onError` nothing more is called, except that
 * {@link ConnectionWaiter.onConnection} may follow an `onError` for another attempt.
 */
export interface UpstreamHandler {
  /** Called just before the first byte is written. @returns whether the request may be sent; if not, nothing is written. */
  onBegin(): boolean;
  /** The first bytes of a response have come. */
  onResponseStarted(): void;
  /** An informational response (1xx) has come. It is dropped. */
  onInformational(): void;
  /**
   * The head of the final response.
   *
   * @param headers name, value, name, value, …, one character a byte.
   * @param resume continues the body after a handler has returned false.
   * @returns whether the body is read at once.
   */
  onHead(status: number, reason: string, headers: string[], resume: () => void): boolean;
  /** @returns whether there is room for more; if not, no more is read until it is resumed. */
  onData(chunk: Buffer): boolean;
  /** The response is complete. */
  onEnd(): void;
  /** The target has switched protocols, unasked, and its connection is closed. */
  onUpgrade(): void;
  onError(error: Error, failure: UpstreamFailure): void;
}

/**
 * A connection, leased to one request at a time before anything of that request is written: what must be true at the first byte
 * (freshness, the time of the signature) is decided when there is nothing left to wait for.
 */
export interface UpstreamLease {
  readonly isOpen: boolean;
  /** It was open before its latest request: the target may have closed it while that request was in flight. */
  readonly isReused: boolean;
  /** The target closed it: neither a limit did, nor an error in what the target sent. */
  readonly isClosedByTarget: boolean;
  /** Sends a request, the only one at that time. @param headers name, value, name, value, … */
  send(request: RequestMessage, headers: string[], handler: UpstreamHandler): void;
  /** Ends the handler's request, if it has begun and has not ended, and closes the connection. */
  abort(handler: UpstreamHandler, error: Error): void;
  /** Closes it. For a request that was not begun, which would keep it leased. */
  discard(): void;
}

/** A request that needs a connection. The object itself identifies it while it waits. */
export interface ConnectionWaiter {
  /** The lease is the waiter's until the request that it sends at once is over. */
  onConnection(lease: UpstreamLease): void;
  /** No connection could be opened. */
  onConnectError(error: Error): void;
}

/** The connections to one destination. */
export interface UpstreamPool {
  /** Leases a connection: at once if one is idle, otherwise when one is free or open, first come, first served. */
  acquire(waiter: ConnectionWaiter): void;
  /** The same, with a connection that has carried no request. */
  acquireNew(waiter: ConnectionWaiter): void;
  /** The waiter waits no longer. */
  cancel(waiter: ConnectionWaiter): void;
}
