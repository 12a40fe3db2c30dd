import { hash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, RequestListener } from "node:http";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { ClientOptions, ServerOptions } from "ws";
import { WebSocket, WebSocketServer } from "ws";
import type { TestCertificate } from "./tls-target.ts";

/** A target that accepts WebSockets, and responds with 200 to requests that are not a handshake. */
export interface WebSocketTarget extends AsyncDisposable {
  readonly url: string;
  readonly handshakes: readonly IncomingMessage[];
  readonly sockets: readonly WebSocket[];
}

export interface WebSocketTargetOptions extends ServerOptions {
  /** With it, the target speaks TLS. */
  readonly certificate?: TestCertificate;
  /** Default: every message is sent back. */
  readonly onSocket?: (socket: WebSocket) => void;
}

export async function startWebSocketTarget(options: WebSocketTargetOptions = {}): Promise<WebSocketTarget> {
  const { certificate, onSocket = echo, ...serverOptions } = options;
  const respond: RequestListener = (_request, response) => void response.end("no WebSocket");
  const server = certificate === undefined ? createServer(respond) : createTlsServer(certificate, respond);
  const webSockets = new WebSocketServer({ server, ...serverOptions });
  const handshakes: IncomingMessage[] = [];
  const sockets: WebSocket[] = [];
  webSockets.on("connection", (socket, request) => {
    handshakes.push(request);
    sockets.push(socket);
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate === undefined ? "http" : "https"}://127.0.0.1:${port}/`,
    handshakes,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.terminate();
      webSockets.close();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function echo(socket: WebSocket): void {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
}

/** Opens a WebSocket through a service. @param token in `Authorization`, unless it is elsewhere. */
export async function openWebSocket(
  service: { readonly url: string },
  token: string | undefined,
  options: ClientOptions & { readonly protocols?: readonly string[] } = {},
): Promise<WebSocket> {
  const { protocols = [], headers, ...rest } = options;
  const socket = new WebSocket(service.url.replace(/^http/, "ws"), [...protocols], {
    ...rest,
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
  });
  socket.on("error", () => undefined);
  await once(socket, "open");
  return socket;
}

/** The next message, as text. */
export async function nextMessage(socket: WebSocket): Promise<string> {
  const [data] = (await once(socket, "message")) as [Buffer];
  return data.toString();
}

/** The code with which a WebSocket is closed: 1006 if its connection ended without a Close frame. */
export async function closeCode(socket: WebSocket): Promise<number> {
  if (socket.readyState === socket.CLOSED) throw new Error("closed before");
  const [code] = (await once(socket, "close")) as [number];
  return code;
}

/** The header lines of a handshake. */
export function handshakeLines(key: string = randomBytes(16).toString("base64")): readonly string[] {
  return [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
  ];
}

/** The response of a target that accepts a handshake, with further lines. */
export function acceptingResponse(request: string, ...lines: readonly string[]): string {
  const key = /\r\nsec-websocket-key: *([^\r]*)/i.exec(request)?.[1] ?? "";
  const accept = hash("sha1", `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, "base64");
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    ...lines,
    "",
    "",
  ].join("\r\n");
}

/** For `startRawTarget`: responds to a handshake with what `respond` makes of it, and leaves the connection to `after`. */
export function rawWebSocketServer(
  respond: (request: string) => string,
  after: (socket: Socket, rest: Buffer) => void = () => undefined,
): (socket: Socket) => void {
  return (socket) => {
    let request = "";
    const onData = (chunk: Buffer): void => {
      request += chunk.toString("latin1");
      const end = request.indexOf("\r\n\r\n");
      if (end === -1) return;
      socket.off("data", onData);
      socket.write(Buffer.from(respond(request.slice(0, end + 4)), "latin1"));
      after(socket, Buffer.from(request.slice(end + 4), "latin1"));
    };
    socket.on("data", onData);
  };
}
