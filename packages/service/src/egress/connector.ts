import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { TargetOrigin } from "capability-protocol";
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
  /** TLS material of the target. No two connectors share any. */
  readonly tls?: TargetTls;
  /** For name resolution, connection and TLS handshake together, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Calls a function that makes a TLS context when it is its turn. Default: at once. */
  readonly scheduleContext?: ScheduleContext;
  /** Called once for each connection, for all addresses. */
  readonly lookup: NameLookup;
}

/** What every connection of a connector is made with. */
interface ConnectDeps {
  readonly policy: EgressPolicy;
  readonly lookup: NameLookup;
  readonly handshake: Handshake;
  readonly tls: TargetTls | undefined;
}

export type ConnectCallback = (
  ...result: [error: null, socket: Socket] | [error: Error, socket: null]
) => void;

/** Opens a connection. When the signal is aborted, the attempt ends with its reason. */
export type Connector = (origin: TargetOrigin, callback: ConnectCallback, signal?: AbortSignal) => void;

/**
 * Opens connections that the policy allows and no others, only for HTTP/1.1, without proxies and local sockets. The errors are
 * those of `errors.ts`.
 */
export function createConnector(options: ConnectorOptions): Connector {
  const { policy, connectTimeoutMs, lookup } = options;
  const deps: ConnectDeps = {
    policy,
    lookup,
    handshake: createHandshake(options.tls ?? {}, options.scheduleContext),
    tls: options.tls,
  };

  return (origin, callback, cancelSignal) => {
    const attempt = (signal: AbortSignal): Promise<Socket> => connect(origin, deps, signal);
    withDeadline(connectTimeoutMs, attempt, cancelSignal).then(
      (socket) => callback(null, socket),
      (error: unknown) =>
        callback(error instanceof Error ? error : new ConnectFailedError({ cause: error }), null),
    );
  };
}

async function connect(
  origin: TargetOrigin,
  { policy, lookup, handshake, tls }: ConnectDeps,
  signal: AbortSignal,
): Promise<Socket | TLSSocket> {
  const { scheme, hostname, port } = origin;
  assertAllowed(policy.checkTransport(origin, tls));
  assertAllowed(policy.checkHost(origin));
  const addresses = await resolveHost(hostname, lookup, signal);
  // One forbidden address denies the name: a name that points inside even once is not a public service.
  for (const { address } of addresses) assertAllowed(policy.checkAddress(address, port));
  const socket = await dial(limitAttempts(addresses), port, signal);
  assertRemoteAllowed(socket, policy, port);
  return guardWriteErrors(scheme === "https" ? await handshake(socket, hostname) : socket);
}

/** Checked before anything is sent: the address that was reached may differ from the dialled one (0.0.0.0 reaches 127.0.0.1). */
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
  if (!verdict.ok) throw new EgressDeniedError(verdict.error);
}
