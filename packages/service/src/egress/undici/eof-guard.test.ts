import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { Pool } from "undici";
import { afterEach, beforeAll, expect, test } from "vitest";
import { deferred } from "../../../../testkit/src/deferred.ts";
import { undiciConnect } from "../../../../testkit/src/undici-connect.ts";
import { makeCertificate } from "../../../../testkit/src/tls-target.ts";
import type { TestCertificate } from "../../../../testkit/src/tls-target.ts";
import { createConnector } from "../connector.ts";
import { guardEof } from "./eof-guard.ts";
import { parseAllowTarget } from "../allow-rule.ts";
import { createEgressPolicy } from "../policy.ts";

const PIECE = "x".repeat(20_000);

/** Heads of responses after which the connection is not kept. */
const FRAMINGS: readonly (readonly [string, string, string])[] = [
  ["without length", "\r\n", PIECE + PIECE],
  ["with its length", `Content-Length: 40000\r\nConnection: close\r\n\r\n`, PIECE + PIECE],
  [
    "in chunks",
    "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
    `4e20\r\n${PIECE}\r\n4e20\r\n${PIECE}\r\n0\r\n\r\n`,
  ],
];

let certificate: TestCertificate;
const open: (Server | Pool)[] = [];
beforeAll(async () => {
  certificate = await makeCertificate("127.0.0.1");
});
afterEach(async () => {
  for (const one of open.splice(0)) {
    if (one instanceof Pool) await one.destroy();
    else one.close();
  }
});

for (const isTls of [false, true]) {
  const over = isTls ? "over TLS" : "over TCP";
  test.each(FRAMINGS)(
    `a body %s whose connection ends ${over} while it is held back is taken whole`,
    async (_how, head, body) => {
      const response = await takeSlowly(isTls, head, body, (socket) => socket.end());
      expect(response).toEqual({ bytes: 40_000, end: "complete" });
    },
  );
}

test.each(FRAMINGS.slice(1))(
  "a body %s that is reset while it is held back is an error",
  async (_how, head, body) => {
    const cut = body.slice(0, -1);
    const { end } = await takeSlowly(false, head, cut, (socket) => socket.resetAndDestroy());
    expect(end).toBe("error");
  },
);

for (const [when, turns] of [
  ["together with its last bytes", 0],
  ["after its last bytes", 10],
] as const) {
  test.each(FRAMINGS.slice(1))(
    `a body %s whose connection is reset ${when} while it is held back is taken whole`,
    async (_how, head, body) => {
      const response = await takeSlowly(false, head, body, (socket) => void resetIn(turns, socket));
      expect(response).toEqual({ bytes: 40_000, end: "complete" });
    },
  );
}

async function resetIn(turns: number, socket: Socket): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await setImmediate();
  socket.resetAndDestroy();
}

/** Reads a response as slowly as a client that takes each piece only after all that can arrive has arrived. */
async function takeSlowly(
  isTls: boolean,
  head: string,
  body: string,
  finish: (socket: Socket) => void,
): Promise<{ readonly bytes: number; readonly end: "complete" | "error" }> {
  const held = deferred<void>();
  const serve = (socket: Socket): void => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write(`HTTP/1.1 200 OK\r\n${head}${body.slice(0, 100)}`);
      void held.promise.then(() => socket.write(body.slice(100), () => finish(socket)));
    });
  };
  const server = isTls
    ? createTlsServer({ cert: certificate.cert, key: certificate.key }, serve)
    : createServer(serve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const policy = createEgressPolicy({
    allow: [parseAllowTarget("127.0.0.1")!],
    ownEndpoints: () => [],
    localAddresses: () => [],
    ownAuthorities: [],
  });
  const connector = createConnector({
    policy,
    tls: { ca: certificate.ca },
    connectTimeoutMs: 5_000,
    lookup: () => undefined,
  });
  const connect = undiciConnect((origin, callback) =>
    connector(origin, (...result) => {
      if (result[1] !== null) guardEof(result[1]);
      callback(...result);
    }),
  );
  const pool = new Pool(`${isTls ? "https" : "http"}://127.0.0.1:${port}`, { connect });
  open.push(server, pool);

  const over = deferred<"complete" | "error">();
  let bytes = 0;
  let goOn: () => void = () => undefined;
  const later = async (): Promise<void> => {
    held.resolve();
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    goOn();
  };
  pool.dispatch(
    { method: "GET", path: "/" },
    {
      onConnect: () => undefined,
      onHeaders: (_status, _headers, resume) => {
        goOn = resume;
        return true;
      },
      onData(chunk) {
        bytes += chunk.length;
        if (chunk.length === 0) return true;
        void later();
        return false;
      },
      onComplete: () => over.resolve("complete"),
      onError: () => over.resolve("error"),
    },
  );
  return { end: await over.promise, bytes };
}

test("bytes in TLS records of one byte wait in few pieces while they are not read, and are read whole", async () => {
  const text = Array.from({ length: 3_000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join("");
  const server = createTlsServer({ cert: certificate.cert, key: certificate.key }, (socket) => {
    socket.on("error", () => undefined);
    // One after the other: what is written at once becomes one record.
    void (async () => {
      for (const byte of text) await new Promise((resolve) => socket.write(byte, resolve));
      socket.end();
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push(server);
  const { port } = server.address() as AddressInfo;
  const socket = connectTls({ port, host: "127.0.0.1", ca: certificate.ca });
  let pieces = 0;
  const push = socket.push.bind(socket);
  socket.push = (chunk: unknown, encoding?: BufferEncoding) => {
    pieces += 1;
    return push(chunk, encoding);
  };
  guardEof(socket);
  await once(socket, "readable");
  // Read once, so that the connection continues, and then not until everything has arrived.
  let read = "";
  for (let left = true; left;) {
    const before = read.length;
    for (let turn = 0; turn < 500; turn += 1) await setImmediate();
    for (let chunk; (chunk = socket.read()) !== null;) read += String(chunk);
    left = read.length > before || read.length < text.length;
  }
  expect(read).toBe(text);
  expect(pieces).toBeLessThan(text.length / 4);
  socket.destroy();
});

/** More than a connection may have read ahead: what undici gave back, one read, and what makes a socket read on. */
const MAX_READ_AHEAD = 256 * 1_024;

test.each([1, 100, 4_096])(
  "a response in chunks of %i bytes that is taken a few at a time is not read ahead of its reader",
  async (size) => {
    const chunk = `${size.toString(16)}\r\n${"x".repeat(size)}\r\n`;
    const count = Math.ceil((4 * 1_024 * 1_024) / chunk.length);
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () =>
        socket.end(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(count)}0\r\n\r\n`),
      );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    open.push(server);
    const { port } = server.address() as AddressInfo;
    const socket = guardEof(connect({ port, host: "127.0.0.1" }));
    await once(socket, "connect");
    const pool = new Pool(`http://127.0.0.1:${port}`, {
      connect: (_, callback) => queueMicrotask(() => callback(null, socket)),
    });
    open.push(pool);

    const over = deferred<Error | undefined>();
    let [bytes, pieces, ahead] = [0, 0, 0];
    let resume: () => void = () => undefined;
    const goOn = (): void => {
      ahead = Math.max(ahead, socket.readableLength);
      resume();
    };
    pool.dispatch(
      { method: "GET", path: "/" },
      {
        onConnect: () => undefined,
        onHeaders: (_status, _headers, again) => {
          resume = again;
          return true;
        },
        onData(piece) {
          bytes += piece.length;
          pieces += 1;
          if (piece.length === 0 || pieces % Math.ceil(1_024 / size) !== 0) return true;
          void setImmediate().then(goOn);
          return false;
        },
        onComplete: () => over.resolve(undefined),
        onError: over.resolve,
      },
    );
    expect(await over.promise).toBeUndefined();
    expect(bytes).toBe(count * size);
    expect(ahead).toBeLessThanOrEqual(MAX_READ_AHEAD);
  },
);
