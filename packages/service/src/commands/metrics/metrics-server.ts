import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { ListenAddress } from "../../service/options.ts";
import { EXPOSITION_TYPE, formatReading } from "../../telemetry/metrics/exposition.ts";
import type { Reading } from "../../telemetry/metrics/reading.ts";

/** What the listener shows. */
export interface MetricsSource {
  read(): Promise<Reading>;
  /** Whether requests can be served, as `/readyz` of the service says. */
  isReady(): Promise<boolean>;
  readonly onError: (error: unknown) => void;
}

export interface MetricsServer {
  close(): Promise<void>;
}

/** Connections at once: a Prometheus or two, a person, and probes. */
const MAX_CONNECTIONS = 16;

const MAX_HEAD_BYTES = 8 * 1_024;

/** Time of a whole connection, in milliseconds: it carries one request, and is closed whether its response was read or not. */
const CONNECTION_TIMEOUT_MS = 10_000;

/**
 * Listens for scrapes and probes. Every connection carries one request, and responses that are made at the same time are one text, so
 * that a client which sends much, or reads nothing, holds little memory and not for long.
 *
 * There is no authentication. What is read here names no tenant and no capability, and the operator says who reaches the port.
 */
export async function startMetricsServer(
  { host, port }: ListenAddress,
  source: MetricsSource,
  connectionTimeoutMs: number = CONNECTION_TIMEOUT_MS,
): Promise<MetricsServer> {
  const server = createServer({ maxHeaderSize: MAX_HEAD_BYTES, keepAlive: false });
  server.maxConnections = MAX_CONNECTIONS;
  const connections = new Set<Socket>();
  const used = new WeakSet<Socket>();
  server.on("connection", (socket) => {
    connections.add(socket);
    const deadline = setTimeout(() => socket.destroy(), connectionTimeoutMs);
    socket.once("close", () => {
      clearTimeout(deadline);
      connections.delete(socket);
    });
  });
  const metrics = shared(async () => formatReading(await source.read()));
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    // A second request would be answered before the first response was read.
    if (used.has(request.socket)) return void request.socket.destroy();
    used.add(request.socket);
    respond(request, response, { ...source, metrics }).catch(source.onError);
  };
  server.on("request", serve);
  // Node.js itself would refuse an expectation, and keep the connection.
  server.on("checkExpectation", serve);
  server.on("clientError", (_error, socket) => void socket.destroy());
  await listen(server, host, port);
  server.on("error", source.onError);
  return {
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port, exclusive: true });
  await once(server, "listening");
}

interface ResponseSource extends Pick<MetricsSource, "isReady" | "onError"> {
  readonly metrics: () => Promise<string>;
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  source: ResponseSource,
): Promise<void> {
  const send = (status: number, type: string, body: string, headers: Readonly<Record<string, string>> = {}) =>
    response
      .writeHead(status, {
        ...headers,
        "Content-Type": type,
        "Content-Length": Buffer.byteLength(body),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        Connection: "close",
      })
      .end(body);
  const say = (status: number, word: string, headers?: Readonly<Record<string, string>>) =>
    send(status, "text/plain; charset=utf-8", `${word}\n`, headers);

  const path = request.url?.split("?", 1)[0];
  if (path !== "/metrics" && path !== "/healthz" && path !== "/readyz") return void say(404, "not found");
  if (request.method !== "GET") return void say(405, "method not allowed", { Allow: "GET" });
  try {
    if (path === "/healthz") say(200, "ok");
    else if (path === "/metrics") send(200, EXPOSITION_TYPE, await source.metrics());
    else if (await source.isReady()) say(200, "ready");
    else say(503, "not ready");
  } catch (error) {
    source.onError(error);
    if (!response.headersSent) say(503, "unavailable");
  }
}

/** Lets calls that come while one is in progress have its result. */
function shared<T>(make: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | undefined;
  return () =>
    (pending ??= make().finally(() => {
      pending = undefined;
    }));
}
