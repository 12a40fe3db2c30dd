import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Server } from "node:tls";
import { createServer } from "node:tls";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import { rawResponder } from "../../../testkit/src/raw-responder.ts";

/** A token that may appear only in the request with which it is sent. */
export const CANARY: string = `CPBLTY1-${"canary7a31".repeat(8)}abcdeA`;

/** A TLS server on localhost whose responses a test determines. */
export interface TlsServer extends AsyncDisposable {
  readonly port: number;
  readonly authority: string;
  /** PEM of its private CA. */
  readonly ca: string;
  /** URI of the canary token at this authority. */
  readonly capability: string;
  /** Connections accepted so far, with or without a TLS handshake. */
  readonly connections: () => number;
}

export interface TlsServerOptions {
  readonly certificate?: TestCertificate;
  /** Address to listen on. The authority has `localhost` for IPv4, and the address in brackets for IPv6. */
  readonly host?: "127.0.0.1" | "::1";
}

/** Responds to every request with these bytes, one character a byte, and then calls `after` with the connection. */
export async function startRawTlsServer(
  bytes: string,
  after?: (socket: Socket) => void,
  options: TlsServerOptions = {},
): Promise<TlsServer> {
  const certificate = options.certificate ?? (await makeCertificate("localhost", "[::1]"));
  return listen(createServer(identity(certificate), rawResponder(bytes, after)), certificate, options);
}

/** Handles each request with an HTTP server. */
export async function startHttpsServer(
  handle: RequestListener,
  options: TlsServerOptions = {},
): Promise<TlsServer> {
  const certificate = options.certificate ?? (await makeCertificate("localhost", "[::1]"));
  return listen(createHttpsServer(identity(certificate), handle), certificate, options);
}

/** Leaves out the CA: a client gives another reason for its distrust if the server sends it. */
function identity({ cert, key }: TestCertificate): Pick<TestCertificate, "cert" | "key"> {
  return { cert, key };
}

async function listen(
  server: Server,
  { ca }: TestCertificate,
  { host = "127.0.0.1" }: TlsServerOptions,
): Promise<TlsServer> {
  let connections = 0;
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  });
  server.on("tlsClientError", () => undefined);
  server.on("secureConnection", (socket) => socket.on("error", () => undefined));
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const authority = host === "::1" ? `[::1]:${port}` : `localhost:${port}`;
  return {
    port,
    authority,
    ca,
    capability: `cpblty://${authority}/#${CANARY}`,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, "close");
    },
  };
}
