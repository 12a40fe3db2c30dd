import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { buildConnector } from "undici";
import { withDeadline } from "./deadline.ts";
import { dial } from "./dial.ts";
import { ConnectFailedError, EgressDeniedError } from "./errors.ts";
import { outliveFailedWrites } from "./failed-writes.ts";
import { createHandshake } from "./handshake.ts";
import type { ContextTurn, Handshake, TargetTls } from "./handshake.ts";
import { holdEnd } from "./held-end.ts";
import type { EgressPolicy, EgressVerdict } from "./policy.ts";
import type { NameLookup } from "./resolve.ts";
import { boundAttempts, resolveHost } from "./resolve.ts";

export interface ConnectorOptions {
  readonly policy: EgressPolicy;
  /** The target's TLS material. Connectors share nothing of it. */
  readonly tls?: TargetTls;
  /** For name resolution, connection and TLS handshake together, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Makes a TLS context in its turn. Default: at once. */
  readonly turn?: ContextTurn;
  /** Asked once for each connection, for all addresses. */
  readonly lookup: NameLookup;
}

interface Destination {
  readonly hostname: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** What every connection of a connector is made with. */
interface Means {
  readonly policy: EgressPolicy;
  readonly lookup: NameLookup;
  readonly handshake: Handshake;
  readonly isVerified: boolean;
}

/** Opens a connection. When the signal is aborted, the attempt ends with its reason. */
export type Connector = (
  target: buildConnector.Options,
  callback: buildConnector.Callback,
  signal?: AbortSignal,
) => void;

/**
 * What an undici Pool or Client takes as `connect`: it opens connections that the policy allows and no others, speaks
 * HTTP/1.1 alone, and knows no proxies and no local sockets. Of what undici hands over, only scheme, host and port
 * count: its server name follows the Host header. The errors are those of `errors.ts`.
 */
export function createConnector(options: ConnectorOptions): Connector {
  const { policy, connectTimeoutMs, lookup } = options;
  const means: Means = {
    policy,
    lookup,
    handshake: createHandshake(options.tls ?? {}, options.turn),
    isVerified: options.tls?.rejectUnauthorized !== false,
  };

  return (target, callback, cancelled) => {
    const attempt = (signal: AbortSignal): Promise<Socket> => connect(destinationOf(target), means, signal);
    withDeadline(connectTimeoutMs, attempt, cancelled).then(
      (socket) => callback(null, socket),
      (error: unknown) =>
        callback(error instanceof Error ? error : new ConnectFailedError({ cause: error }), null),
    );
  };
}

async function connect(
  to: Destination,
  { policy, lookup, handshake, isVerified }: Means,
  signal: AbortSignal,
): Promise<Socket | TLSSocket> {
  demand(policy.judgeTransport({ isTls: to.isTls, isVerified }));
  demand(policy.judgeHost(to.hostname, to.port));
  const answers = await resolveHost(to.hostname, lookup, signal);
  // One forbidden answer denies all: a name that points inside even once is not a public service.
  for (const { address } of answers) demand(policy.judgeAddress(address, to.port));
  const socket = await dial(boundAttempts(answers), to.port, signal);
  demandRemote(socket, policy, to.port);
  return holdEnd(outliveFailedWrites(to.isTls ? await handshake(socket, to.hostname) : socket));
}

/** Judged before anything is sent: what was dialled may differ from what was reached (0.0.0.0 reaches 127.0.0.1). */
function demandRemote(socket: Socket, policy: EgressPolicy, port: number): void {
  try {
    if (socket.remoteAddress === undefined) throw new ConnectFailedError();
    demand(policy.judgeAddress(socket.remoteAddress, port));
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function demand(verdict: EgressVerdict): void {
  if (!verdict.allowed) throw new EgressDeniedError(verdict.reason);
}

function destinationOf({ hostname, protocol, port }: buildConnector.Options): Destination {
  const isTls = protocol === "https:";
  return { hostname, port: port === "" ? (isTls ? 443 : 80) : Number(port), isTls };
}
