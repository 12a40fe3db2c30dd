import { hash } from "node:crypto";
import fc from "fast-check";
import { body, join, mostly } from "./fuzz-messages.ts";
import type { GeneratedText } from "./fuzz-mutations.ts";
import { arbitraryScript } from "./fuzz-mutations.ts";
import type { Message } from "./fuzz-parser.ts";
import { readResponseHead, statusOf, valuesOf } from "./fuzz-parser.ts";
import type { Script } from "./fuzz-script.ts";
import { MARK } from "./fuzz-script.ts";

/* Handshakes of WebSockets, the responses to them, and a reading of both by RFC 6455 that shares no code with the service. */

/** Placeholder in a target's response for the proof that it has read the handshake. */
const ACCEPT = "{accept}";

const KEY = `Sec-WebSocket-Key: ${"k".repeat(21)}w==\r\n`;

/** The empty line at the end of a head, and what is sent after it. */
const afterHead = body.map((text): GeneratedText => ({ pieces: ["\r\n", text], isSound: true }));

const handshake: fc.Arbitrary<GeneratedText> = fc
  .tuple(
    mostly(
      [`GET /?${MARK} HTTP/1.1\r\n`],
      [`POST /?${MARK} HTTP/1.1\r\n`, `GET /?${MARK} HTTP/1.0\r\n`, `OPTIONS / HTTP/1.1\r\n`],
    ),
    mostly(["Host: membrane.test\r\n"], [""]),
    mostly(["Authorization: Bearer {plain}\r\n"], ["", "Authorization: Bearer {unknown}\r\n"]),
    mostly(
      ["Connection: Upgrade\r\n", "Connection: keep-alive, upgrade\r\n"],
      [
        "",
        "Connection: close\r\n",
        "Connection: Upgrade, Sec-WebSocket-Key\r\n",
        "Connection: upgrade, close\r\n",
      ],
    ),
    mostly(
      ["Upgrade: websocket\r\n", "Upgrade: WebSocket\r\n"],
      ["", "Upgrade: h2c\r\n", "Upgrade: websocket, h2c\r\n", "Upgrade: websocket\r\nUpgrade: websocket\r\n"],
    ),
    mostly(
      ["Sec-WebSocket-Version: 13\r\n"],
      ["", "Sec-WebSocket-Version: 12\r\n", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n"],
    ),
    mostly([KEY], ["", KEY + KEY, "Sec-WebSocket-Key: short\r\n"]),
    mostly(
      [
        "",
        "Sec-WebSocket-Protocol: one, two\r\n",
        "Sec-WebSocket-Extensions: deflate; a=b\r\n",
        `X-Mark: ${MARK}\r\n`,
      ],
      [
        "Content-Length: 8\r\n",
        "Content-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "Sec-WebSocket-Protocol: openai-insecure-api-key.{plain}\r\n",
      ],
    ),
    afterHead,
  )
  .map(join);

/** Generates what a client sends: a handshake, and bytes for the target. */
export const arbitraryHandshake: fc.Arbitrary<Script> = arbitraryScript(handshake, [
  "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {plain}\r\n\r\n",
  "Connection: Upgrade\r\n",
  "Upgrade: websocket\r\n",
  KEY,
]);

const switching: fc.Arbitrary<GeneratedText> = fc
  .tuple(
    mostly(["", "HTTP/1.1 103 Early Hints\r\n\r\n"], ["HTTP/1.1 100 Continue\r\n\r\n"]),
    mostly(
      ["HTTP/1.1 101 Switching Protocols\r\n", "HTTP/1.1 101 \r\n"],
      ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 426 Upgrade Required\r\n", "HTTP/1.0 101 Switching\r\n"],
    ),
    mostly(
      ["Upgrade: websocket\r\n"],
      ["", "Upgrade: h2c\r\n", "Upgrade: websocket, h2c\r\n", "Upgrade: websocket\r\nUpgrade: websocket\r\n"],
    ),
    mostly(["Connection: Upgrade\r\n"], ["", "Connection: close\r\n"]),
    mostly(
      [`Sec-WebSocket-Accept: ${ACCEPT}\r\n`],
      ["", `Sec-WebSocket-Accept: ${"A".repeat(27)}=\r\n`, `Sec-WebSocket-Accept: ${ACCEPT}\r\n`.repeat(2)],
    ),
    mostly(
      ["", `X-Mark: ${MARK}\r\n`],
      [
        "Sec-WebSocket-Protocol: two\r\n",
        "Sec-WebSocket-Protocol: three\r\n",
        "Sec-WebSocket-Extensions: deflate\r\n",
        "Sec-WebSocket-Extensions: other\r\n",
        "Content-Length: 8\r\n",
        "Transfer-Encoding: chunked\r\n",
      ],
    ),
    afterHead,
  )
  .map(join);

/** Generates a target's response to a handshake, and bytes for the client. */
export const arbitrarySwitch: fc.Arbitrary<Script> = arbitraryScript(switching, [
  "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  `Sec-WebSocket-Accept: ${ACCEPT}\r\n`,
  "Sec-WebSocket-Protocol: two\r\n",
]);

/** Replaces the placeholder by the proof for the handshake that the target got. */
export function withAccept(bytes: string, request: Pick<Message, "headers">): string {
  return bytes.replaceAll(ACCEPT, acceptOf(valuesOf(request, "sec-websocket-key").join()));
}

function acceptOf(key: string): string {
  return hash("sha1", `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, "base64");
}

function listOf(message: Pick<Message, "headers">, name: string): readonly string[] {
  return valuesOf(message, name).flatMap((value) =>
    value.split(",").map((item) => item.trim().toLowerCase()),
  );
}

/** Whether a request is a whole handshake (RFC 6455 §4.2.1). */
export function isHandshake(request: Message): boolean {
  const [key = "", ...otherKeys] = valuesOf(request, "sec-websocket-key");
  return (
    /^GET +\S+ +HTTP\/1\.1$/.test(request.start) &&
    listOf(request, "upgrade").join() === "websocket" &&
    listOf(request, "connection").includes("upgrade") &&
    valuesOf(request, "sec-websocket-version").join() === "13" &&
    otherKeys.length === 0 &&
    /^[\w+/]{22}==$/.test(key) &&
    valuesOf(request, "transfer-encoding").length === 0 &&
    valuesOf(request, "content-length").every((length) => Number(length) === 0) &&
    valuesOf(request, "expect").length === 0
  );
}

/**
 * Reads whether a target's bytes switch protocols as this handshake asks (RFC 6455 §4.1).
 *
 * @returns the bytes that follow its head.
 */
export function readSwitch(bytes: string, request: Message): string | undefined {
  let from = 0;
  for (;;) {
    const reading = readResponseHead(bytes, from);
    if (reading.kind !== "whole") return undefined;
    const head = reading.message;
    const status = statusOf(head) ?? 0;
    if (status === 101) return accepts(head, request) ? bytes.slice(head.end) : undefined;
    if (status >= 200) return undefined;
    from = head.end;
  }
}

function accepts(response: Message, request: Message): boolean {
  const [protocol, ...otherProtocols] = valuesOf(response, "sec-websocket-protocol");
  const offered = valuesOf(request, "sec-websocket-protocol").join().split(/, */);
  const nameOf = (extension: string): string => extension.split(";", 1)[0]!.trim();
  const extensions = new Set(listOf(request, "sec-websocket-extensions").map(nameOf));
  return (
    listOf(response, "upgrade").join() === "websocket" &&
    listOf(response, "connection").includes("upgrade") &&
    valuesOf(response, "sec-websocket-accept").join() ===
      acceptOf(valuesOf(request, "sec-websocket-key").join()) &&
    otherProtocols.length === 0 &&
    (protocol === undefined || offered.includes(protocol)) &&
    listOf(response, "sec-websocket-extensions").every((extension) => extensions.has(nameOf(extension)))
  );
}
