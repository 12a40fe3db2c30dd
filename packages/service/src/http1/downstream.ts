import type { RequestTrace } from "../tracing/request-trace.ts";
import type { TraceContext } from "../tracing/trace-context.ts";
import type { ByteStream } from "./byte-stream.ts";

/**
 * A client's request and its response. The names are those of Node's streams, so that an adapter of Node's server passes on
 * Node's own objects: nothing is wrapped for a request.
 */
export interface HttpExchange {
  readonly request: DownstreamRequest;
  readonly response: DownstreamResponse;
  /** Set once the request is logged, or the service itself responds to it: most requests need none. */
  requestId?: string;
  /** Set once what the client says of its trace was parsed. */
  clientTrace?: { readonly context: TraceContext | undefined };
  /** Set if the request is recorded. */
  trace?: RequestTrace;
}

/** What is known of the connection of a client. */
export interface DownstreamConnection {
  readonly destroyed: boolean;
  readonly remoteAddress?: string | undefined;
  /** The connection uses TLS. */
  readonly encrypted?: boolean | undefined;
  /**
   * The digest of a token that one of its requests holds. The latest one is kept while the connection is in use, since most clients send
   * one token. Absent: nothing is kept.
   */
  digestOf?(token: string, compute: (token: string) => string): string;
  on(event: "close", listener: () => void): unknown;
  off(event: "close", listener: () => void): unknown;
}

/** A request: its head as received, and its body as events. */
export interface DownstreamRequest {
  readonly method?: string | undefined;
  /** The request target, as received. */
  readonly url?: string | undefined;
  /** "1.1" or "1.0"; any other is refused. */
  readonly httpVersion: string;
  /**
   * Name, value, name, value, … as received, one character a byte. The only form of the headers, since the token is taken out of
   * it.
   */
  readonly rawHeaders: string[];
  /**
   * Shared by consecutive requests of a connection whose heads are byte-identical, from the second on. They also share {@link rawHeaders},
   * which is changed once. What is a function of the head only can be kept for this object.
   */
  readonly repeated?: object | undefined;
  /** The body was received whole. */
  readonly complete: boolean;
  /** Nothing more of the body can be read. A request that keeps what has arrived when its connection closes has no such state. */
  readonly destroyed?: boolean | undefined;
  /** The service does not read the body at this moment, for the sake of other requests: it does not wait for the client. */
  readonly isThrottled?: boolean | undefined;
  readonly socket: DownstreamConnection;
  /** `close` without {@link complete}: the client has disconnected, or its body is invalid. */
  on(event: "end" | "close", listener: () => void): unknown;
  on(event: "data", listener: (chunk: Buffer) => void): unknown;
  off(event: "data", listener: (chunk: Buffer) => void): unknown;
  /** Stops the body: no more of it is received than the connection reads ahead. */
  pause(): unknown;
  resume(): unknown;
}

/** How a request's body is framed; `length` in bytes. */
export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" };

/** A response. The responses of a connection are sent in the order of its requests. */
export interface DownstreamResponse {
  readonly req: DownstreamRequest;
  readonly headersSent: boolean;
  /** Bytes that were written and have not been sent to the client. */
  readonly writableLength: number;
  /** A write has returned false, and `drain` has not come yet. */
  readonly writableNeedDrain: boolean;
  /** `end` was called. */
  readonly writableEnded: boolean;
  /** The whole response was handed to the operating system. */
  readonly writableFinished: boolean;
  readonly destroyed: boolean;
  /**
   * @param headers name, value, name, value, …; without a length the body is chunked, or ends with the connection (HTTP/1.0).
   * @param isRepeated the same array comes for other responses, so that what is written for it can be kept.
   */
  writeHead(status: number, reason: string, headers: string[], isRepeated?: boolean): unknown;
  /** Sends the head though no body has been written. */
  flushHeaders(): void;
  /** @returns whether there is room for more; if not, `drain` follows. */
  write(chunk: Buffer, callback?: (error?: Error | null) => void): boolean;
  end(): unknown;
  once(event: "drain" | "close", listener: () => void): unknown;
  off(event: "close", listener: () => void): unknown;
  /** Ends the response and its connection so that the response never looks complete. */
  abort(): void;
  /**
   * Sends a whole response. If much of the request's body is unread, the connection is closed afterwards.
   *
   * @param framing of the request.
   */
  respond(framing: BodyFraming, status: number, headers: readonly string[], body: string): void;
  /** Closes the connection after this response. */
  closeAfter(): void;
  /** Closes the connection after this response, because the rest of its request is unread: from now on that is read and dropped. */
  closeWithUnreadBody(): void;
  /** Sends "100 Continue" once the body is read, unless a response has begun before. */
  continueOnRead(): void;
  /**
   * Sends a 101 and hands over the connection. Absent unless the listener has prepared the connection for it.
   *
   * @param headers name, value, name, value, …
   */
  switchProtocols?(headers: string[]): ByteStream;
}
