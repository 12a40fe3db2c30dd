import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { withDeadline } from "./deadline.ts";
import { dial } from "./dial.ts";
import { ConnectFailedError, EgressDeniedError } from "./errors.ts";
import { guardWriteErrors } from "./write-error-guard.ts";
import { createHandshake } from "./handshake.ts";
import type { ScheduleContext, Handshake, TargetTls } from "./handshake.ts";
import type { EgressPolicy, EgressVerdict } from "./policy.ts";
import type { NameLookup } from "./resolve-host.ts";
import { limitAttempts, resolveHost } from "./resolve-host.ts";

export interface ConnectorOptions {
  readonly policy: EgressPolicy;
  /** The target's TLS material. Connectors share nothing of it. */
  readonly tls?: TargetTls;
  /** For name resolution, connection and TLS handshake together, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Makes a TLS context in its turn. Default: at once. */
  readonly scheduleContext?: ScheduleContext;
  /** Asked once for each connection, for all addresses. */
  readonly lookup: NameLookup;
}

interface ConnectEndpoint {
  readonly hostname: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** What every connection of a connector is made with. */
interface ConnectDeps {
  readonly policy: EgressPolicy;
  readonly lookup: NameLookup;
  readonly handshake: Handshake;
  readonly isVerified: boolean;
}

/** Scheme, host and port, in the form of a URL's properties. */
export interface ConnectTarget {
  /** "http:" or "https:". */
  readonly protocol: string;
  /** An IPv6 address has no brackets. */
  readonly hostname: string;
  /** Empty: the default port of the scheme. */
  readonly port: string;
}

export type ConnectCallback = (
  ...result: [error: null, socket: Socket] | [error: Error, socket: null]
) => void;

/** Opens a connection. When the signal is aborted, the attempt ends with its reason. */
export type Connector = (target: ConnectTarget, callback: ConnectCallback, signal?: AbortSignal) => void;

/**
 * Opens connections that the policy allows and no others, for HTTP/1.1 alone, without proxies and local sockets. Of an HTTP
 * client's options only scheme, host and port are used: an HTTP client may take the server name from the Host header. The errors
 * are those of `errors.ts`.
 */
export function createConnector(options: ConnectorOptions): Connector {
  const { policy, connectTimeoutMs, lookup } = options;
  const deps: ConnectDeps = {
    policy,
    lookup,
    handshake: createHandshake(options.tls ?? {}, options.scheduleContext),
    isVerified: options.tls?.rejectUnauthorized !== false,
  };

  return (target, callback, cancelSignal) => {
    const attempt = (signal: AbortSignal): Promise<Socket> => connect(toEndpoint(target), deps, signal);
    withDeadline(connectTimeoutMs, attempt, cancelSignal).then(
      (socket) => callback(null, socket),
      (error: unknown) =>
        callback(error instanceof Error ? error : new ConnectFailedError({ cause: error }), null),
    );
  };
}

async function connect(
  endpoint: ConnectEndpoint,
  { policy, lookup, handshake, isVerified }: ConnectDeps,
  signal: AbortSignal,
): Promise<Socket | TLSSocket> {
  assertAllowed(policy.checkTransport({ isTls: endpoint.isTls, isVerified }));
  assertAllowed(policy.checkHost(endpoint.hostname, endpoint.port));
  const addresses = await resolveHost(endpoint.hostname, lookup, signal);
  // One forbidden address denies the name: a name that points inside even once is not a public service.
  for (const { address } of addresses) assertAllowed(policy.checkAddress(address, endpoint.port));
  const socket = await dial(limitAttempts(addresses), endpoint.port, signal);
  assertRemoteAllowed(socket, policy, endpoint.port);
  return guardWriteErrors(endpoint.isTls ? await handshake(socket, endpoint.hostname) : socket);
}

/** Judged before anything is sent: what was dialled may differ from what was reached (0.0.0.0 reaches 127.0.0.1). */
function assertRemoteAllowed(socket: Socket, policy: EgressPolicy, port: number): void {
  try {
    if (socket.remoteAddress === undefined) throw new ConnectFailedError();
    assertAllowed(policy.checkAddress(socket.remoteAddress, port));
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function assertAllowed(verdict: EgressVerdict): void {
  if (!verdict.allowed) throw new EgressDeniedError(verdict.reason);
}

function toEndpoint({ hostname, protocol, port }: ConnectTarget): ConnectEndpoint {
  const isTls = protocol === "https:";
  return { hostname, port: port === "" ? (isTls ? 443 : 80) : Number(port), isTls };
}
