import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { toSubjectAltName } from "../../packages/service/dist/tls/subject-alt-name.js";
import {
  generateAuthorityKey,
  issueAuthorityCertificate,
  issueServerCertificate,
} from "../../packages/service/dist/tls/x509.js";

/**
 * A target that accepts WebSockets and says nothing.
 *
 * @param {boolean} secure
 */
export async function makeTarget(secure) {
  const server = secure ? createTlsServer(await makeCertificate()) : createServer();
  server.on("upgrade", (request, socket) => {
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    const lines = ["Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${accept}`];
    socket.on("error", () => undefined);
    socket.write(["HTTP/1.1 101 Switching Protocols", ...lines, "", ""].join("\r\n"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a server listens on an address");
  return { url: `${secure ? "https" : "http"}://127.0.0.1:${address.port}/` };
}

/**
 * Opens a WebSocket, on which nothing is sent.
 *
 * @param {string} url
 * @param {string} token
 */
export async function openWebSocket(url, token) {
  const { hostname, port, protocol } = new URL(url);
  const at = { port: Number(port), host: hostname };
  const socket = protocol === "https:" ? connectTls({ ...at, rejectUnauthorized: false }) : connect(at);
  socket.on("error", () => undefined);
  socket.write(
    [
      "GET / HTTP/1.1",
      "Host: bench.test",
      `Authorization: Bearer ${token}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "",
      "",
    ].join("\r\n"),
  );
  const [head] = await once(socket, "data");
  if (!String(head).startsWith("HTTP/1.1 101 ")) throw new Error(String(head).split("\r\n")[0]);
  return socket;
}

async function makeCertificate() {
  const key = await generateAuthorityKey();
  const cert = await issueAuthorityCertificate(key, new Date());
  return issueServerCertificate({ cert, key }, [toSubjectAltName("127.0.0.1")], new Date());
}
