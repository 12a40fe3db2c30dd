import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { createServer as createTlsServer } from "node:tls";
import { Pool } from "undici";
import { afterEach, beforeAll, expect, test } from "vitest";
import { promised } from "../testkit/promised.ts";
import { makeCertificate } from "../testkit/tls-target.ts";
import type { TestCertificate } from "../testkit/tls-target.ts";
import { createConnector } from "./connector.ts";
import { createEgressPolicy, parseAllowTarget } from "./policy.ts";

const PIECE = "x".repeat(20_000);

/** Heads of answers after which the connection is not kept. */
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
      const answer = await takeSlowly(isTls, head, body, (socket) => socket.end());
      expect(answer).toEqual({ bytes: 40_000, end: "complete" });
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
      const answer = await takeSlowly(false, head, body, (socket) => void resetIn(turns, socket));
      expect(answer).toEqual({ bytes: 40_000, end: "complete" });
    },
  );
}

async function resetIn(turns: number, socket: Socket): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await setImmediate();
  socket.resetAndDestroy();
}

/** Takes an answer as slowly as a requester that lets every piece wait until whatever can come has come. */
async function takeSlowly(
  isTls: boolean,
  head: string,
  body: string,
  finish: (socket: Socket) => void,
): Promise<{ readonly bytes: number; readonly end: "complete" | "error" }> {
  const held = promised<void>();
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
    own: () => [],
    localAddresses: () => [],
    ownAuthorities: [],
  });
  const connect = createConnector({
    policy,
    tls: { ca: certificate.ca },
    connectTimeoutMs: 5_000,
    lookup: () => undefined,
  });
  const pool = new Pool(`${isTls ? "https" : "http"}://127.0.0.1:${port}`, { connect });
  open.push(server, pool);

  const over = promised<"complete" | "error">();
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
