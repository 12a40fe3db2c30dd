import type { EgressReason } from "./policy.ts";

/** Why there is no connection. */
export type EgressErrorCode =
  | "EGRESS_DENIED"
  | "EGRESS_DNS_FAILED"
  | "EGRESS_CONNECT_FAILED"
  | "EGRESS_CONNECT_TIMEOUT"
  | "EGRESS_TLS_FAILED"
  | "EGRESS_TOO_MANY";

/**
 * The base of all errors before a connection is open. No message names the target, since messages reach people who may not know
 * it; `cause`, if there is one, may name it.
 */
export abstract class EgressError extends Error {
  abstract readonly code: EgressErrorCode;
}

/** The policy forbids the target's scheme or TLS settings, its host, one of its addresses, or the address that was reached. */
export class EgressDeniedError extends EgressError {
  override readonly name = "EgressDeniedError";
  readonly code = "EGRESS_DENIED";
  readonly reason: EgressReason;

  constructor(reason: EgressReason) {
    super(`The target is not allowed: ${reason}`);
    this.reason = reason;
  }
}

/** The host name has no address, or no name server responded; `cause` is the resolver's error, if it gave one. */
export class HostNotFoundError extends EgressError {
  override readonly name = "HostNotFoundError";
  readonly code = "EGRESS_DNS_FAILED";

  constructor(options?: ErrorOptions) {
    super("The target's host name could not be resolved", options);
  }
}

/** Refused, reset or unreachable; `cause` is the socket's error. */
export class ConnectFailedError extends EgressError {
  override readonly name = "ConnectFailedError";
  readonly code = "EGRESS_CONNECT_FAILED";

  constructor(options?: ErrorOptions) {
    super("The target could not be connected to", options);
  }
}

/** Name resolution, connection and TLS handshake together took longer than the limit. */
export class ConnectTimeoutError extends EgressError {
  override readonly name = "ConnectTimeoutError";
  readonly code = "EGRESS_CONNECT_TIMEOUT";

  constructor() {
    super("Connecting to the target took too long");
  }
}

/** The target's tenant has used up its share of connections to targets. */
export class TooManyConnectionsError extends EgressError {
  override readonly name = "TooManyConnectionsError";
  readonly code = "EGRESS_TOO_MANY";

  constructor() {
    super("Too many connections to targets are open");
  }
}

/** The handshake failed: an untrusted or wrong certificate, a refused client certificate, no TLS; `cause` says which. */
export class TlsFailedError extends EgressError {
  override readonly name = "TlsFailedError";
  readonly code = "EGRESS_TLS_FAILED";

  constructor(options?: ErrorOptions) {
    super("The TLS handshake with the target failed", options);
  }
}
