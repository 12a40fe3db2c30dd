import { once } from "node:events";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type {
  ConnectionOwner,
  CreateConnection,
  PooledConnection,
} from "../../service/src/egress/pooled-connection.ts";
import { connectBuffered } from "../../service/src/egress/read-buffer.ts";
import { guardWriteErrors } from "../../service/src/egress/write-error-guard.ts";
import type { RequestMessage, UpstreamHandler } from "../../service/src/http1/upstream.ts";
import { deferred } from "./deferred.ts";
import { startRawTarget, startRawTlsTarget } from "./target.ts";
import { targetOrigin } from "./target-origin.ts";
import { until } from "./until.ts";
import type { TestCertificate } from "./tls-target.ts";

/** A connection of an HTTP/1.1 client to a target on raw sockets, without a pool. */
export interface OpenedConnection extends AsyncDisposable {
  readonly connection: PooledConnection;
  /** What it has reported to its pool. */
  readonly reports: readonly ("free" | "closed")[];
  /** The socket of the target. */
  readonly socket: Socket;
  /** What the target has received, one character a byte. */
  readonly received: () => string;
}

/**
 * @param certificate the connection is over TLS, with it.
 * @param isReady the client gets the socket only then.
 */
export async function openConnection(
  create: CreateConnection,
  serve: (socket: Socket) => void,
  certificate?: TestCertificate,
  isReady: (socket: Socket) => boolean = () => true,
): Promise<OpenedConnection> {
  const accepted = deferred<Socket>();
  const onConnection = (socket: Socket): void => {
    serve(socket);
    accepted.resolve(socket);
  };
  const target = await (certificate === undefined
    ? startRawTarget(onConnection)
    : startRawTlsTarget(certificate, onConnection));
  const at = { port: target.port, host: "127.0.0.1" };
  const socket = certificate === undefined ? connectBuffered(at) : connectTls({ ...at, ca: certificate.ca });
  socket.on("error", () => undefined);
  await once(socket, certificate === undefined ? "connect" : "secureConnect");
  await until("the socket is ready", () => isReady(socket));
  const reports: ("free" | "closed")[] = [];
  const owner: ConnectionOwner = {
    onFree: () => void reports.push("free"),
    onClosed: () => void reports.push("closed"),
  };
  const options = { origin: targetOrigin("127.0.0.1", target.port), maxHeaderBytes: 16_384 };
  return {
    connection: create(guardWriteErrors(socket), options, owner),
    reports,
    socket: await accepted.promise,
    received: target.received,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await target[Symbol.asyncDispose]();
    },
  };
}

/** A GET that may take long. */
export const PLAIN_GET: RequestMessage = {
  method: "GET",
  path: "/",
  body: null,
  responseTimeoutMs: 300_000,
  idleTimeoutMs: 300_000,
};

/** A handler that takes everything and does nothing with it. */
export const IDLE_HANDLER: UpstreamHandler = {
  onBegin: () => true,
  onResponseStarted: () => undefined,
  onRead: () => undefined,
  onInformational: () => undefined,
  onHead: () => true,
  onData: () => true,
  onEnd: () => undefined,
  onUpgrade: () => undefined,
  onError: () => undefined,
};

/** Sends a request, and collects its response; rejects with its error. */
export function sendOn(
  { connection }: OpenedConnection,
  request: Partial<RequestMessage> = {},
  handler: Partial<UpstreamHandler> = {},
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let body = "";
    connection.send({ ...PLAIN_GET, ...request }, [], {
      ...IDLE_HANDLER,
      onHead: (code) => ((status = code), true),
      onData: (chunk) => ((body += chunk.toString("latin1")), true),
      onEnd: () => resolve({ status, body }),
      onUpgrade: () => reject(new Error("switched")),
      onError: reject,
      ...handler,
    });
  });
}
