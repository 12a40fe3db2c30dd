import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { freePort } from "../../../../testkit/src/free-port.ts";
import type { TestCertificate } from "../../../../testkit/src/tls-target.ts";
import { makeCertificate } from "../../../../testkit/src/tls-target.ts";
import { requestCancel } from "./cancel-request.ts";
import type { ConnectionConfig } from "./config/connection-config.ts";

const BACKEND = { pid: 7, secret: 0x0ca1_1ed7 };

/** Messages of the protocol: a length, a code, and of the request the process and its secret. */
const REQUEST = "0000001004d2162e000000070ca11ed7";
const WANTS_TLS = "0000000804d2162f";

/** A request that never ends is found so soon. */
const timeout = 20_000;

/** A server that calls `serve` with what a client has sent first. */
async function listen(serve: (socket: Socket, received: string) => void) {
  const received: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", (chunk: Buffer) => serve(socket, chunk.toString("hex")));
    socket.on("data", (chunk: Buffer) => received.push(chunk));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    /** All that came in clear. */
    received: () => Buffer.concat(received).toString("hex"),
    async [Symbol.asyncDispose]() {
      server.close();
      // When the last client has left.
      await once(server, "close");
    },
  };
}

/** A server with TLS, and what came through it. */
async function listenTls(certificate: TestCertificate) {
  const secured: Buffer[] = [];
  const tls = createTlsServer(certificate, (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      secured.push(chunk);
      socket.end("what nothing reads");
    });
  });
  const server = await listen((socket) => {
    socket.removeAllListeners("data").write("S");
    tls.emit("connection", socket);
  });
  return { ...server, secured: () => Buffer.concat(secured).toString("hex") };
}

function cancel(port: number, given: Partial<ConnectionConfig> = {}): Promise<void> {
  const place = { host: "localhost", port, database: "m", user: "u", connectTimeoutMs: 5_000 };
  return requestCancel({ ...place, sslMode: "disable", ...given }, BACKEND);
}

test.each(["disable", "require"] as const)(
  "a server that says nothing is given up, with sslmode=%s",
  { timeout },
  async (sslMode) => {
    await using server = await listen(() => undefined);
    await cancel(server.port, { sslMode });
    expect(server.received()).toBe(sslMode === "disable" ? REQUEST : WANTS_TLS);
  },
);

describe("before its time is over a request ends", { timeout }, () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  test("when the server has taken it and closes the connection, whatever it says first", async () => {
    await using server = await listen((socket) => socket.end("what nothing reads"));
    await cancel(server.port);
    expect(server.received()).toBe(REQUEST);
  });

  test("when no server is there", async () => {
    await expect(cancel(await freePort())).resolves.toBeUndefined();
  });

  test("when the server has taken it with TLS, and nothing of it is sent in clear", async () => {
    const certificate = await makeCertificate("localhost");
    await using server = await listenTls(certificate);
    await cancel(server.port, { sslMode: "verify-full", ca: certificate.ca });
    expect(server.secured()).toBe(REQUEST);
    expect(server.received()).toBe(WANTS_TLS);
  });

  test("when the server has another certificate, which does not get it", async () => {
    await using server = await listenTls(await makeCertificate("localhost"));
    const { ca } = await makeCertificate("localhost");
    await cancel(server.port, { sslMode: "verify-full", ca });
    expect(server.secured()).toBe("");
    expect(server.received()).toBe(WANTS_TLS);
  });

  test("when a server that had TLS says that it has none, which does not get it", async () => {
    await using server = await listen((socket) => socket.write("N"));
    await cancel(server.port, { sslMode: "require" });
    expect(server.received()).toBe(WANTS_TLS);
  });

  test("when what follows the yes to TLS is not TLS", async () => {
    await using server = await listen((socket) => {
      socket.write("S");
      socket.once("data", () => socket.write("no record of TLS"));
    });
    await cancel(server.port, { sslMode: "require" });
    expect(server.received()).not.toContain(REQUEST);
  });
});
