import { once } from "node:events";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import { createServer as createNetServer } from "node:net";
import type { Server as TlsServer } from "node:tls";
import { createServer as createTlsServer } from "node:tls";

/** A target on loopback. */
export interface TestTarget extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Requests received so far. */
  readonly requests: readonly ReceivedRequest[];
}

export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Starts a target that records each whole request and then calls `respond` (default: 200 "ok"). */
export async function startTarget(
  respond: RequestListener = (_request, response) => void response.end("ok"),
): Promise<TestTarget> {
  const requests: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      requests.push({
        method: request.method ?? "",
        url: request.url ?? "",
        rawHeaders: request.rawHeaders,
        headers: request.headers,
        body: Buffer.concat(chunks),
      });
      respond(request, response);
    });
    request.on("error", () => undefined);
  });
  return { requests, ...(await listen(server)) };
}

/** Starts a target that handles each request once its head has arrived. */
export async function startStreamingTarget(handle: RequestListener): Promise<TestTarget> {
  return { requests: [], ...(await listen(createServer(handle))) };
}

/** A target, and everything that it received on all connections, one character a byte. */
export type RawTarget = TestTarget & { readonly received: () => string };

/** Starts a target on raw connections, for responses that no HTTP server sends, and for tests of every byte of a request. */
export function startRawTarget(onConnection: (socket: Socket) => void): Promise<RawTarget> {
  return startRaw(createNetServer(), "http", onConnection);
}

/** Starts such a target over TLS. */
export function startRawTlsTarget(
  { cert, key }: { readonly cert: string; readonly key: string },
  onConnection: (socket: Socket) => void,
): Promise<RawTarget> {
  return startRaw(createTlsServer({ cert, key }), "https", onConnection);
}

async function startRaw(
  server: NetServer | TlsServer,
  scheme: "http" | "https",
  onConnection: (socket: Socket) => void,
): Promise<RawTarget> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  server.on(scheme === "http" ? "connection" : "secureConnection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => chunks.push(chunk));
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `${scheme}://127.0.0.1:${port}/`,
    port,
    requests: [],
    received: () => Buffer.concat(chunks).toString("latin1"),
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, "close");
    },
  };
}

async function listen(server: Server): Promise<Omit<TestTarget, "requests">> {
  // No limit on header lines: newer versions of Node refuse more than 2,000 by default.
  server.maxHeadersCount = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
