import type { IncomingMessage, Server, ServerOptions } from "node:http";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import type { SecureContextOptions } from "node:tls";
import { KEY_AGREEMENT } from "../../key-agreement.ts";
import { asksToClose } from "./connection-close.ts";
import { limitConnections } from "./connection-limit.ts";
import { respondToPlaintext } from "./plaintext-on-tls.ts";
import type { CertificatePem, HttpListener, ListenerOptions } from "../listener.ts";
import type { ParseErrorOptions } from "./parse-errors.ts";
import type { RequestCount } from "../shared/request-count.ts";
import { createCoalescingRequest } from "./coalescing-request.ts";
import { HandshakeResponse } from "./handshake-response.ts";
import { handleParseErrors } from "./parse-errors.ts";
import { linger } from "../shared/linger.ts";
import { NodeResponse } from "./response.ts";
import { asksForUpgrade, createUpgradableRequest } from "./upgradable-request.ts";

export interface NodeServerOptions extends ListenerOptions, ParseErrorOptions {
  /** Called for every connection on which requests can come; `attach` lets Node read it. */
  readonly onConnection: (socket: Socket, attach: () => void) => void;
  /** Of the whole listener: each that Node reads is added to it. */
  readonly requests: RequestCount;
  /** Whether no request of the connection is in flight or waits. */
  readonly isUnused: (socket: Socket) => boolean;
}

type SecureNodeServer = HttpsServer<typeof IncomingMessage, typeof NodeResponse>;
type NodeServer = Server<typeof IncomingMessage, typeof NodeResponse> | SecureNodeServer;

/** How long a client's connection may be idle before TCP probes it, in milliseconds. */
const TCP_KEEP_ALIVE_MS = 60_000;

/** How often Node looks for heads that take too long, in milliseconds. */
const HEAD_CHECK_INTERVAL_MS = 1_000;

export type NodeRequestHandler = (request: IncomingMessage, response: NodeResponse) => void;

export async function startNodeServer(
  options: NodeServerOptions,
  handle: NodeRequestHandler,
): Promise<Omit<HttpListener, "idle">> {
  const { server, secure } = createNodeServer(options);
  interceptConnections(
    server,
    secure === undefined ? "connection" : "secureConnection",
    options.onConnection,
  );
  limitConnections(server, options.maxConnectionsPerAddress, options.trustedProxies, () =>
    options.onConnectionRefused("maxConnectionsPerAddress"),
  );
  server.on("drop", () => options.onConnectionRefused("maxConnections"));
  const onResponseStart = handleParseErrors(server, options);
  if (secure !== undefined) respondToPlaintext(secure, options.rejectionBytes);
  handleRequests(server, onResponseStart, handle);
  handleHandshakes(server, handle);
  const open = trackConnections(server);
  return {
    address: await listen(server, options),
    connections: () => countConnections(server),
    setCertificate: (tls) => secure?.setSecureContext(certificateOptions(tls)),
    close: (deadlineMs) => closeServer(server, open, deadlineMs),
  };
}

/** Makes a server that does not listen yet. `secure` is the same server if it speaks TLS. */
function createNodeServer(options: NodeServerOptions): {
  readonly server: NodeServer;
  readonly secure: SecureNodeServer | undefined;
} {
  const secure = options.tls === undefined ? undefined : createSecureServer(options, options.tls);
  const server: NodeServer = secure ?? createHttpServer(serverOptions(options));
  // A head is limited in bytes. With a limit on lines, Node would drop those after the 2000th, and no check would see them.
  server.maxHeadersCount = 0;
  server.timeout = options.socketTimeoutMs;
  server.maxConnections = options.maxConnections;
  return { server, secure };
}

function createSecureServer(options: NodeServerOptions, tls: CertificatePem): SecureNodeServer {
  return createHttpsServer({
    ...serverOptions(options),
    ...certificateOptions(tls),
    // `curl -0` offers only HTTP/1.0; without a common protocol the handshake fails (RFC 7301 §3.2).
    ALPNProtocols: ["http/1.1", "http/1.0"],
    handshakeTimeout: options.requestHeaderTimeoutMs,
  });
}

function serverOptions(
  options: NodeServerOptions,
): ServerOptions<typeof IncomingMessage, typeof NodeResponse> {
  return {
    maxHeaderSize: options.maxHeaderBytes,
    headersTimeout: options.requestHeaderTimeoutMs,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    // No limit on the whole request: a large body may take long, and its reader enforces a minimum rate.
    requestTimeout: 0,
    connectionsCheckingInterval: HEAD_CHECK_INTERVAL_MS,
    noDelay: true,
    // Finds clients that vanished without closing, for example behind a firewall that dropped the connection.
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    IncomingMessage: createUpgradableRequest(
      createCoalescingRequest(options.requests),
      // Of pipelined requests, none is a handshake: the responses before it could not be written.
      (request) => options.isUnused(request.socket) && options.isHandshake(request),
    ),
    ServerResponse: NodeResponse,
    // `readHead` refuses a head without Host, with the same response as any other malformed head.
    requireHostHeader: false,
  };
}

/** @param onResponseStart called for each response, before its request is handled. */
function handleRequests(
  server: NodeServer,
  onResponseStart: (response: NodeResponse) => void,
  handle: NodeRequestHandler,
): void {
  const onRequest: NodeRequestHandler = (request, response) => {
    // A write to a client that has just disconnected fails; the disconnect is reported by `close`.
    response.on("error", ignore);
    // Node's parser drops what follows such a request in the same read: what comes later would be read from within a request.
    if (asksForUpgrade(request) || asksToClose(request.rawHeaders)) response.closeAfter();
    onResponseStart(response);
    handle(request, response);
  };
  server.on("request", onRequest);
  server.on("checkContinue", onRequest);
  server.on("checkExpectation", onRequest);
}

function ignore(): void {}

function handleHandshakes(server: NodeServer, handle: NodeRequestHandler): void {
  server.on("upgrade", (request: IncomingMessage, _socket, head: Buffer) => {
    handle(request, new HandshakeResponse(request, request.socket, head));
  });
}

/**
 * @returns all connections that are open. Node's server knows only those that it reads: none within a TLS handshake, none that another
 *   lane reads, and none that it has given up.
 */
function trackConnections(server: NetServer): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  return open;
}

/** @returns the address that is listened on, once it is. */
async function listen(server: NodeServer, { host, port, onError }: NodeServerOptions): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      server.on("error", onError);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a server listens on an address");
  return address;
}

/**
 * Calls `onConnection` before the listeners with which Node's server starts to read a connection. After the last response Node calls
 * `destroySoon`, which would reset a connection whose client still sends.
 */
function interceptConnections(
  server: NetServer,
  event: string,
  onConnection: NodeServerOptions["onConnection"],
): void {
  const listeners = server.listeners(event);
  server.removeAllListeners(event);
  server.on(event, (socket: Socket) => {
    socket.destroySoon = () => linger(socket);
    onConnection(socket, () => listeners.forEach((attach) => void Reflect.apply(attach, server, [socket])));
  });
}

function countConnections(server: NetServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

/** How often a closing server looks for idle connections, in milliseconds. */
const IDLE_CHECK_INTERVAL_MS = 50;

/** Picks certificate and key: any other property of the object would become an option of the handshake. */
function certificateOptions({ cert, key }: CertificatePem): SecureContextOptions {
  return { ...KEY_AGREEMENT, cert, key };
}

async function closeServer(server: NodeServer, open: ReadonlySet<Socket>, deadlineMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  // A connection becomes idle when its response is sent, and its client may keep it open for long.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_INTERVAL_MS);
  const deadline = setTimeout(() => open.forEach((socket) => void socket.destroy()), deadlineMs);
  await closed;
  clearInterval(idle);
  clearTimeout(deadline);
}
