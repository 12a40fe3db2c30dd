import type { Cidr } from "../net/address.ts";
import type { DownstreamRequest, HttpExchange } from "./downstream.ts";

/** Input that never becomes a request, and that the listener itself refuses. */
export type Rejection =
  | "malformed"
  | "headers_too_large"
  /** The head did not arrive in time. */
  | "request_timeout"
  /** CONNECT, which has no path. */
  | "connect"
  /** Plain HTTP on a TLS port. */
  | "plaintext";

/** The bytes of a complete response that closes its connection. */
export type RejectionBytes = (rejection: Rejection) => string;

/** PEM text. */
export interface CertificatePem {
  readonly cert: string;
  readonly key: string;
}

/** How many requests may wait on one connection for those before them, and how much memory all of these may take. */
export interface PipelineLimits {
  /** With this many waiting, a connection is not read. */
  readonly perConnection: number;
  /** In bytes. */
  readonly bytes: number;
}

/** What of a request is known before it is handled. */
export type HandshakeHead = Pick<DownstreamRequest, "method" | "httpVersion" | "rawHeaders">;

export interface ListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Absent: plain HTTP, for a proxy in front or for tests. */
  readonly tls?: CertificatePem;
  /** How many bytes the head of a request may have. */
  readonly maxHeaderBytes: number;
  /** The latest head of a connection is kept, to recognize the same one; a listener may do without. */
  readonly keepsHeads: boolean;
  /** How many connections may be open; further ones are closed at once. */
  readonly maxConnections: number;
  /** How many of them one address may have open. */
  readonly maxConnectionsPerAddress: number;
  /** Addresses to which the limit for one address does not apply. */
  readonly trustedProxies: readonly Cidr[];
  /** How long the head of a request may take to arrive, and a TLS handshake before it, in milliseconds. */
  readonly requestHeaderTimeoutMs: number;
  /** How long a connection may be idle between requests, in milliseconds. */
  readonly keepAliveTimeoutMs: number;
  /** How long a connection may be without a byte in either direction while a request is in flight, in milliseconds. */
  readonly socketTimeoutMs: number;
  readonly pipeline: PipelineLimits;
  readonly rejectionBytes: RejectionBytes;
  /** Tells whether a request that asks for another protocol is a handshake after which the connection may be handed over. */
  readonly isHandshake: (request: HandshakeHead) => boolean;
  /** Called with an error of the listener or of a handler. The connection of that handler is closed. */
  readonly onError: (error: unknown) => void;
  /** Called when a connection is closed because the requests that wait on it took too much memory. */
  readonly onOverflow: () => void;
  /** Called when a connection is closed at once, with the limit that is reached. */
  readonly onConnectionRefused: (limit: "maxConnections" | "maxConnectionsPerAddress") => void;
}

export interface HttpListener {
  readonly address: { readonly address: string; readonly port: number };
  /** How many connections of clients are open. */
  connections(): Promise<number>;
  /** New connections get this certificate. */
  setCertificate(tls: CertificatePem): void;
  /** Stops accepting, waits for the requests in flight, and closes the remaining connections at the deadline (milliseconds). */
  close(deadlineMs: number): Promise<void>;
  /** Resolves when no request is in flight. */
  idle(): Promise<void>;
}

/**
 * Starts a listener. The requests of one connection are handled one after the other: the next one once the promise of `handle`
 * has settled and the response has been written.
 */
export type ListenHttp = (
  options: ListenerOptions,
  handle: (exchange: HttpExchange) => Promise<void>,
) => Promise<HttpListener>;
