// The target of the bench. It is as cheap as possible, so that the gateway is measured: it parses only the framing of requests and
// responds from memory with 1 KiB, or at /SIZE with that many bytes. Prints its port.
import { createServer } from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");
const PIECE = Buffer.alloc(64 * 1024, "x");
/** Responses of up to this many bytes are kept in memory. */
const KEPT_BYTES = 2 * 1024 * 1024;
/** @type {Map<number, Buffer>} */
const keptResponses = new Map();

const server = createServer({ noDelay: true }, (socket) => {
  /** The bytes of an incomplete head. */
  let head = Buffer.alloc(0);
  /** The rest of a body in bytes; infinite until the end of a chunked body. */
  let body = 0;
  let size = 0;
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    let rest = chunk;
    while (rest.length > 0) {
      if (body > 0) {
        const taken = Math.min(body, rest.length);
        body = body === Number.POSITIVE_INFINITY && rest.subarray(-5).equals(LAST_CHUNK) ? 0 : body - taken;
        rest = rest.subarray(taken);
        if (body === 0) respond(socket, size);
        continue;
      }
      head = head.length === 0 ? rest : Buffer.concat([head, rest]);
      const end = head.indexOf(HEAD_END);
      if (end === -1) return;
      const text = head.toString("latin1", 0, end);
      rest = head.subarray(end + 4);
      head = Buffer.alloc(0);
      size = Number(/^\S+ \/(\d*)/.exec(text)?.[1] || 1024);
      body = bodyLength(text);
      if (body === 0) respond(socket, size);
    }
  });
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(server.address())));

const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** @param {string} head */
function bodyLength(head) {
  if (/\r\ntransfer-encoding:/i.test(head)) return Number.POSITIVE_INFINITY;
  return Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
}

/**
 * @param {import("node:net").Socket} socket
 * @param {number} size in bytes
 */
function respond(socket, size) {
  if (size <= KEPT_BYTES) return void socket.write(keptResponse(size));
  socket.write(responseHead(size));
  let left = size;
  const go = () => {
    while (left > 0) {
      const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE;
      left -= piece.length;
      if (!socket.write(piece)) return void socket.once("drain", go);
    }
  };
  go();
}

/** @param {number} size */
function keptResponse(size) {
  const present = keptResponses.get(size);
  if (present !== undefined) return present;
  const made = Buffer.concat([Buffer.from(responseHead(size)), Buffer.alloc(size, "x")]);
  keptResponses.set(size, made);
  return made;
}

/** @param {number} size */
function responseHead(size) {
  return `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: ${size}\r\n\r\n`;
}
