// One attack on a service, in a separate process that the bench ends. Reads {attack, port, tokens} as JSON from the variable
// ATTACK, and prints its port once it has begun.
import { once } from "node:events";
import { connect, createServer } from "node:net";

/** @typedef {{ attack: string, port: number, tokens: readonly string[] }} Attack */

/** @type {Attack} */
const { attack, port, tokens } = JSON.parse(process.env["ATTACK"] ?? "{}");
const MIB = 1024 * 1024;
/** Time between two uses. */
const USE_MS = 20;
/** After how long a refused or closed connection is opened again: the attack is what it holds, not how often it connects. */
const RETRY_MS = 10_000;

/** @type {Readonly<Record<string, () => void>>} */
const ATTACKS = {
  "held bodies in chunks of one byte": () => all(52, () => body(tokens[0], 8 * MIB)),
  "management bodies in chunks of one byte": () => all(6, () => body(tokens[0], MIB)),
  "streamed bodies in chunks of one byte": () => all(200, () => body(tokens[0], MIB)),
  "held bodies that never end": () => all(52, () => body(tokens[0], 6 * MIB, 64 * 1024)),
  pipelining: () => all(4, () => pipeline(tokens[0])),
  "readers that do not read": () => all(100, () => silent(tokens[0])),
  "pools with other TLS material": () => all(4, () => inTurn(), USE_MS),
  "capabilities with costly configurations": () => all(4, () => inTurn(), USE_MS),
};

const begin = ATTACKS[attack];
if (begin === undefined) throw new TypeError(`no such attack: ${attack}`);
begin();
const own = createServer().listen(0, "127.0.0.1", () => console.log(JSON.stringify(own.address())));

/**
 * @param {number} count
 * @param {() => Promise<unknown>} act again when it has ended
 * @param {number} pauseMs
 */
function all(count, act, pauseMs = RETRY_MS) {
  for (let i = 0; i < count; i += 1) {
    void (async () => {
      for (;;) {
        await act().catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    })();
  }
}

/**
 * @param {string | undefined} token
 * @param {string} line
 * @param {string[]} lines
 */
function head(token, line = "GET / HTTP/1.1", ...lines) {
  return [line, "Host: bench.test", `Authorization: Bearer ${token}`, ...lines, "", ""].join("\r\n");
}

async function open() {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/**
 * A body that is sent until the connection ends, and never whole.
 *
 * @param {string | undefined} token
 * @param {number} length in bytes
 * @param {number} size of a chunk, in bytes
 */
async function body(token, length, size = 1) {
  const socket = await open();
  const chunk = `${size.toString(16)}\r\n${" ".repeat(size)}\r\n`;
  const piece = Buffer.from(chunk.repeat(Math.max(1, Math.floor((64 * 1024) / chunk.length))));
  const bytes = size * Math.max(1, Math.floor((64 * 1024) / chunk.length));
  socket.resume();
  socket.write(head(token, "POST / HTTP/1.1", "Transfer-Encoding: chunked"));
  const closed = once(socket, "close");
  for (let sent = 0; sent < length && !socket.destroyed; sent += bytes) {
    if (!socket.write(piece)) await Promise.race([once(socket, "drain"), closed]);
  }
  await closed;
}

/** @param {string | undefined} token whose target does not answer */
async function pipeline(token) {
  const socket = await open();
  const piece = Buffer.from(head(token).repeat(256));
  socket.resume();
  const closed = once(socket, "close");
  for (let sent = 0; sent < 100_000 && !socket.destroyed; sent += 256) {
    if (!socket.write(piece)) await Promise.race([once(socket, "drain"), closed]);
  }
  await closed;
}

/** @param {string | undefined} token */
async function silent(token) {
  const socket = await open();
  socket.pause();
  socket.write(head(token));
  await once(socket, "close");
}

let next = 0;

/** One capability after the other. */
async function inTurn() {
  const socket = await open();
  socket.write(head(tokens[(next += 1) % tokens.length], "GET / HTTP/1.1", "Connection: close"));
  socket.resume();
  await once(socket, "close");
}
