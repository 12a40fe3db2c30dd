import type { Readable } from "node:stream";
import type { ByteStream } from "./byte-stream.ts";

/** A request without its headers, which are signed once there is a connection. */
export interface RequestMessage {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body: Readable | Buffer | null;
  /** Asks the target to switch to this protocol. If it does, the connection is not leased again. */
  readonly upgrade?: "websocket";
  /**
   * This array of headers may be sent again, always with this method, path and target, so what is written for it can be kept.
   */
  readonly repeats?: boolean;
  /** Milliseconds within which the target must begin its response. */
  readonly responseTimeoutMs: number;
  /** Milliseconds without a byte of the response after which the request fails. */
  readonly idleTimeoutMs: number;
}

/** Why a request failed: the target was too slow, or it sent no valid and complete response. */
export type UpstreamFailure = "timeout" | "incomplete";

/**
 * Callbacks for the events of a request, in this order. After `onEnd` or `onError` nothing more is called, except that
 * {@link ConnectionWaiter.onConnection} may follow an `onError` for another attempt.
 */
export interface UpstreamHandler {
  /** Called just before the first byte is written. @returns whether the request may be sent; if not, nothing is written. */
  onBegin(): boolean;
  /** The first bytes of a response have arrived. */
  onResponseStarted(): void;
  /** A part of a response, or its end, was read. Called before what it holds is passed on, also where that had to wait for room. */
  onRead(): void;
  /** An informational response (1xx) has arrived. It is dropped. */
  onInformational(): void;
  /**
   * The head of the final response.
   *
   * @param headers name, value, name, value, …, one character a byte.
   * @param resume continues the body after a handler has returned false.
   * @param isRepeated an earlier response had the same head: its array of headers was this one. Nothing may change it.
   * @returns whether the body is read at once.
   */
  onHead(
    status: number,
    reason: string,
    headers: readonly string[],
    resume: () => void,
    isRepeated?: boolean,
  ): boolean;
  /** @returns whether there is room for more; if not, no more is read until it is resumed. */
  onData(chunk: Buffer): boolean;
  /** Whether a chunk that it was given may still be read. Absent: it may. If not, the memory of the chunk is used again. */
  holdsData?(): boolean;
  /** The response is complete. */
  onEnd(): void;
  /**
   * The target has switched protocols, as it was asked to. The connection belongs to the handler, which destroys it.
   *
   * @param headers of the 101: name, value, name, value, …
   */
  onUpgrade(headers: string[], stream: ByteStream): void;
  onError(error: Error, failure: UpstreamFailure): void;
}

/**
 * A connection, leased to one request at a time before any byte of that request is written. So whatever must hold at the first
 * byte (freshness, the time of the signature) is decided when nothing is left to wait for.
 */
export interface UpstreamLease {
  readonly isOpen: boolean;
  /** It was open before its latest request: the target may have closed it while that request was in flight. */
  readonly isReused: boolean;
  /** The target closed it; it was not closed for a limit, nor for an error in what the target sent. */
  readonly isClosedByTarget: boolean;
  /** Sends a request, the only one at that time. @param headers name, value, name, value, … */
  send(request: RequestMessage, headers: readonly string[], handler: UpstreamHandler): void;
  /** Ends the handler's request, if it has begun and has not ended, and closes the connection. */
  abort(handler: UpstreamHandler, error: Error): void;
  /**
   * Keeps the connection for a waiter that does not send yet. From then on it counts as reused: the target may close it while the
   * waiter waits.
   */
  hold(): void;
  /** Gives back a connection that was held, and on which its waiter has sent nothing. */
  release(): void;
  /** Closes it, if the waiter sends no request: the connection would stay leased. */
  discard(): void;
}

/** A request that needs a connection. The object itself identifies it while it waits. */
export interface ConnectionWaiter {
  /** Must send a request at once, or hold the connection first. The lease ends with that request, or when it is given up. */
  onConnection(lease: UpstreamLease): void;
  /** No connection could be opened. */
  onConnectError(error: Error): void;
}

/** The connections to one destination. */
export interface UpstreamPool {
  /** Leases a connection: at once if one is idle, otherwise when one becomes free or is opened, first come, first served. */
  acquire(waiter: ConnectionWaiter): void;
  /** Leases a connection that has carried no request. */
  acquireNew(waiter: ConnectionWaiter): void;
  /** Removes a waiter. */
  cancel(waiter: ConnectionWaiter): void;
}
