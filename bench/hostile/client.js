// The actions of an attacker. Every connection, byte and response is counted, since an attack that does not take place shows
// nothing.
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";

/** @typedef {{ requests: number, sentBytes: number, open: number, outcomes: Record<string, number> }} Counts */
/** @typedef {{ status: number, text: string }} Response */
/** @typedef {ReturnType<typeof createClient>} Client */

/** When a refused or closed connection is opened again: the attack is in what it holds, not in how often it connects. */
const RETRY_MS = 10_000;
const PIECE_BYTES = 64 * 1024;
/** The number of pipelined requests in one write, and in all. */
const PIPELINE = { piece: 256, all: 100_000 };

/** @param {number} port of the service */
export function createClient(port) {
  let requests = 0;
  let sentBytes = 0;
  /** @type {Set<import("node:net").Socket>} */
  const open = new Set();
  /** @type {Record<string, number>} */
  const outcomes = {};
  const agent = new Agent({ keepAlive: true });
  const note = (/** @type {string} */ outcome) => (outcomes[outcome] = (outcomes[outcome] ?? 0) + 1);

  /** Opens a connection whose first response counts; without `reads` nothing is read. */
  async function connection({ reads = true } = {}) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    await once(socket, "connect");
    open.add(socket);
    let isAnswered = !reads;
    if (reads) {
      socket.on("data", (chunk) => {
        if (!isAnswered) note(outcomeOf(chunk.toString("latin1")));
        isAnswered = true;
      });
    } else socket.pause();
    socket.once("close", () => {
      open.delete(socket);
      sentBytes += socket.bytesWritten;
      if (!isAnswered) note("closed");
    });
    return socket;
  }

  /**
   * @param {import("node:net").Socket} socket
   * @param {Buffer} piece
   * @param {number} times
   */
  async function pour(socket, piece, times) {
    const closed = once(socket, "close");
    for (let sent = 0; sent < times && !socket.destroyed; sent += 1) {
      if (!socket.write(piece)) await Promise.race([once(socket, "drain"), closed]);
    }
    if (!socket.closed) await closed;
  }

  return {
    /** @returns {Counts} */
    counts() {
      const writing = [...open].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
      return { requests, sentBytes: sentBytes + writing, open: open.size, outcomes };
    },

    /**
     * Repeats an action in several concurrent loops.
     *
     * @param {number} count
     * @param {() => Promise<unknown>} act
     * @param {number} pauseMs after it has ended
     */
    all(count, act, pauseMs = RETRY_MS) {
      for (let i = 0; i < count; i += 1) {
        void (async () => {
          for (;;) {
            await act().catch(() => note("failed"));
            await new Promise((resolve) => setTimeout(resolve, pauseMs));
          }
        })();
      }
    },

    /**
     * Sends one request and reads its whole response.
     *
     * @param {string | undefined} token
     * @param {{ method?: string, path?: string, body?: string, localAddress?: string }} what
     * @returns {Promise<Response>}
     */
    async call(token, { method = "GET", path = "/", body = "", localAddress = "127.0.0.1" } = {}) {
      requests += 1;
      sentBytes += body.length;
      const headers = { authorization: `Bearer ${token}`, "content-length": Buffer.byteLength(body) };
      const asked = request({ host: "127.0.0.1", port, agent, method, path, localAddress, headers });
      asked.end(body);
      /** @type {import("node:http").IncomingMessage} */
      const response = (await once(asked, "response"))[0];
      const said = await text(response);
      note(outcomeOf(`HTTP/1.1 ${response.statusCode}\r\n\r\n${said}`));
      return { status: Number(response.statusCode), text: said };
    },

    /**
     * Sends a body in chunks that never ends, until the connection ends.
     *
     * @param {string | undefined} token
     * @param {number} length in bytes
     * @param {number} size of a chunk, in bytes
     */
    async body(token, length, size = 1) {
      const socket = await connection();
      requests += 1;
      socket.write(head(token, "POST / HTTP/1.1", "Transfer-Encoding: chunked"));
      const chunk = `${size.toString(16)}\r\n${" ".repeat(size)}\r\n`;
      const chunks = Math.max(1, Math.floor(PIECE_BYTES / chunk.length));
      await pour(socket, Buffer.from(chunk.repeat(chunks)), Math.ceil(length / (size * chunks)));
    },

    /**
     * Sends pipelined requests.
     *
     * @param {string | undefined} token
     */
    async pipeline(token) {
      const socket = await connection();
      requests += 1;
      await pour(socket, Buffer.from(head(token).repeat(PIPELINE.piece)), PIPELINE.all / PIPELINE.piece);
    },

    /**
     * Sends a request and does not read the response.
     *
     * @param {string | undefined} token
     */
    async unread(token) {
      const socket = await connection({ reads: false });
      requests += 1;
      socket.write(head(token));
      await once(socket, "close");
    },
  };
}

/**
 * @param {string | undefined} token
 * @param {string} line
 * @param {string[]} lines
 */
function head(token, line = "GET / HTTP/1.1", ...lines) {
  return [line, "Host: bench.test", `Authorization: Bearer ${token}`, ...lines, "", ""].join("\r\n");
}

/**
 * Returns the status of a response, with the code of an error: `503 store_full`.
 *
 * @param {string} response
 */
function outcomeOf(response) {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(response)?.[1] ?? "unreadable";
  const code = Number(status) < 400 ? undefined : /"code":"([a-z_]+)"/.exec(response)?.[1];
  return code === undefined ? status : `${status} ${code}`;
}
