import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import type { SecureContextOptions } from "node:tls";
import type { Cidr } from "../net/address.ts";
import { KEY_AGREEMENT } from "../key-agreement.ts";
import { limitConnections } from "./connection-limit.ts";
import { respondToPlaintext } from "./plaintext-on-tls.ts";
import type { HeadTimeoutOptions } from "./parse-errors.ts";
import { createCoalescingRequest } from "./coalescing-request.ts";
import { handleParseErrors } from "./parse-errors.ts";

export interface ListenerOptions extends HeadTimeoutOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Absent: plain HTTP, for a proxy in front or for tests. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** How many bytes the head of a request may have. */
  readonly maxHeaderBytes: number;
  /** How many connections may be open; further ones are closed as they come. */
  readonly maxConnections: number;
  /** How many of them one address may have open. */
  readonly maxConnectionsPerAddress: number;
  /** Addresses that have no such limit. */
  readonly trustedProxies: readonly Cidr[];
  /** How long the head of a request may take to arrive, and a TLS handshake before it, in milliseconds. */
  readonly requestHeaderTimeoutMs: number;
  /** How long a connection may stand idle between requests, in milliseconds. */
  readonly keepAliveTimeoutMs: number;
  /** How long a connection may stand without a byte in either direction while a request is under way, in milliseconds. */
  readonly socketTimeoutMs: number;
  /** Called for every connection on which requests can come; `attach` lets Node read it. */
  readonly onConnection: (socket: Socket, attach: () => void) => void;
  /** Told what goes wrong while connections are accepted. */
  readonly onError: (error: unknown) => void;
}

export interface Listener {
  readonly address: AddressInfo;
  /** Connections from now on get this certificate. */
  setCertificate(tls: { readonly cert: string; readonly key: string }): void;
  /** Accepts nothing more, waits for what is under way, and cuts what is left at the deadline (milliseconds). */
  close(deadlineMs: number): Promise<void>;
}

/** How long a client's connection is idle before TCP probes it, in milliseconds. */
const TCP_KEEP_ALIVE_MS = 60_000;

/** How often Node looks for heads that take too long, in milliseconds. */
const HEAD_CHECK_INTERVAL_MS = 1_000;

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export async function listen(options: ListenerOptions, handle: RequestHandler): Promise<Listener> {
  const limits = {
    maxHeaderSize: options.maxHeaderBytes,
    headersTimeout: options.requestHeaderTimeoutMs,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    // A body may take its time as long as it goes on; whoever reads it sees to that.
    requestTimeout: 0,
    connectionsCheckingInterval: HEAD_CHECK_INTERVAL_MS,
    noDelay: true,
    // Finds clients that vanished without closing, for example behind a firewall that dropped the connection.
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    IncomingMessage: createCoalescingRequest(),
    // A head without Host is refused with all others that are not clear, in the form of all answers.
    requireHostHeader: false,
  };
  const secure =
    options.tls === undefined
      ? undefined
      : createHttpsServer({
          ...limits,
          ...certificateOptions(options.tls),
          // `curl -0` offers HTTP/1.0 alone; without a common protocol the handshake fails (RFC 7301 §3.2).
          ALPNProtocols: ["http/1.1", "http/1.0"],
          handshakeTimeout: options.requestHeaderTimeoutMs,
        });
  const server: Server | HttpsServer = secure ?? createHttpServer(limits);
  // Bytes bound a head. Node would hide the lines behind the 2000th from whoever judges them.
  server.maxHeadersCount = 0;
  server.timeout = options.socketTimeoutMs;
  server.maxConnections = options.maxConnections;
  interceptConnections(
    server,
    secure === undefined ? "connection" : "secureConnection",
    options.onConnection,
  );
  limitConnections(server, options.maxConnectionsPerAddress, options.trustedProxies);
  const onResponseStart = handleParseErrors(server, options);
  if (secure !== undefined) respondToPlaintext(secure, options.onRefused);
  const onRequest: RequestHandler = (request, response) => {
    // A write to somebody who has just left is no fault of ours; that they left is seen at "close".
    response.on("error", () => undefined);
    onResponseStart(response);
    handle(request, response);
  };
  server.on("request", onRequest);
  server.on("checkContinue", onRequest);
  server.on("checkExpectation", onRequest);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      server.on("error", options.onError);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a server listens on an address");
  return {
    address,
    setCertificate: (tls) => secure?.setSecureContext(certificateOptions(tls)),
    close: (deadlineMs) => closeServer(server, deadlineMs),
  };
}

/** Calls `began` before the listener with which Node's server starts to read a connection. */
function interceptConnections(
  server: NetServer,
  event: string,
  onConnection: ListenerOptions["onConnection"],
): void {
  const listeners = server.listeners(event);
  server.removeAllListeners(event);
  server.on(event, (socket: Socket) => {
    onConnection(socket, () => listeners.forEach((attach) => void Reflect.apply(attach, server, [socket])));
  });
}

/** How often a server that is closing looks for connections that have nothing more to do, in milliseconds. */
const IDLE_CHECK_INTERVAL_MS = 50;

/** Certificate and key alone: whatever else they come with would end up in the handshake. */
function certificateOptions({ cert, key }: NonNullable<ListenerOptions["tls"]>): SecureContextOptions {
  return { ...KEY_AGREEMENT, cert, key };
}

async function closeServer(server: Server | HttpsServer, deadlineMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  // What is under way becomes idle when it has its answer, and its client may keep the connection for long.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_INTERVAL_MS);
  const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs);
  await closed;
  clearInterval(idle);
  clearTimeout(deadline);
}
