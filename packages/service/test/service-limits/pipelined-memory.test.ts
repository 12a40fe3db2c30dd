import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { Agent } from "undici";
import { expect, test } from "vitest";
import { call, expectStatus, tokenOf } from "../../../testkit/src/client.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { runMembrane, spawnMembrane } from "../../../testkit/src/process.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { httpServerOfRun } from "../../../testkit/src/http-server.ts";
import type { HttpServer } from "../../src/service/options.ts";
import { startStreamingTarget } from "../../../testkit/src/target.ts";
import { requestHead } from "../../../testkit/src/raw-connection.ts";

/** A heap that is smaller than the memory of each test's requests if all of them were kept. */
const SMALL_HEAP = { NODE_OPTIONS: "--max-old-space-size=192" };

/** A service with a small heap, and a function to connect to it. */
interface Started extends AsyncDisposable {
  readonly service: ServiceProcess;
  readonly token: string;
  readonly healthz: () => Promise<number>;
  readonly connect: () => Socket;
}

async function startWithExport(
  target: string,
  scheme: "http" | "https",
  server: HttpServer = httpServerOfRun(),
): Promise<Started> {
  const directory = await temporaryDirectory();
  const { path } = directory;
  const data = ["--data", path, "--authority", "localhost"];
  const { stdout } = await runMembrane(["init", ...data, "--json"]);
  const listening = ["--listen", "127.0.0.1:0", "--allow-target", "127.0.0.0/8"];
  const tls = scheme === "http" ? ["--no-tls", "--http-server", server] : ["--http-server", server];
  const service = await spawnMembrane(["serve", ...data, ...listening, ...tls], SMALL_HEAP);
  const { port } = service;
  const ca = await readFile(join(path, "tls/ca.pem"), "utf8");
  const dispatcher = new Agent({ connect: { ca, host: "127.0.0.1" } });
  const at = { url: `${scheme}://localhost:${port}` };
  const create = tokenOf(JSON.parse(stdout).capabilities.create);
  const made = expectStatus(await call(at, create, { body: { id: "m" }, dispatcher }), 201);
  const exporting = tokenOf(made.json.capabilities.export);
  const exported = expectStatus(await call(at, exporting, { body: { uri: target }, dispatcher }), 201);
  return {
    service,
    token: tokenOf(exported.json.capability),
    healthz: async () => (await call(at, undefined, { path: "/healthz", dispatcher })).status,
    connect: () =>
      scheme === "http"
        ? connect(port, "127.0.0.1")
        : connectTls({ port, host: "127.0.0.1", servername: "localhost", ca }),
    async [Symbol.asyncDispose]() {
      await dispatcher.destroy();
      await service[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

const HEALTH = requestHead(undefined, { line: "GET /healthz HTTP/1.1" });
const PREFLIGHT = requestHead(undefined, { line: "OPTIONS / HTTP/1.1" });
/** Three requests that have different responses. */
const ROUND = HEALTH + PREFLIGHT + PREFLIGHT;
const ROUND_STATUSES = "200 204 204 ";

const SCHEMES = ["http", "https"] as const;

/** 20 bytes each: one read has three thousand of them. */
const FLOOD = "GET /a HTTP/1.1\r\n\r\n".repeat(3_200);

test.each(SCHEMES)(
  "hundreds of thousands of requests after a slow one take no memory, and get their responses in order (%s)",
  async (scheme) => {
    const asked = deferred<void>();
    const responded = deferred<void>();
    await using target = await startStreamingTarget((_request, response) => {
      asked.resolve();
      void responded.promise.then(() => response.end("slow"));
    });
    await using all = await startWithExport(target.url, scheme);
    const { token } = all;
    const socket = all.connect();
    const statuses = statusesOf(socket);
    socket.write(requestHead(token));
    await asked.promise;

    const rounds = 70_000;
    const sending = sendRounds(socket, ROUND, rounds);
    // The service reads only a few of them, and the sender must keep the rest.
    for (let count = 0; count < 20; count += 1) {
      expect(await all.healthz()).toBe(200);
    }
    responded.resolve();
    await sending;
    await statuses.until(rounds * 3 + 1);
    expect(statuses.first()).toBe("200");
    expect(statuses.isRepeated(ROUND_STATUSES)).toBe(true);
    expect(await all.healthz()).toBe(200);
    socket.destroy();
  },
);

test.each(SCHEMES)(
  "many connections that each send thousands of small requests at once are closed before they fill the memory of Node's server (%s)",
  async (scheme) => {
    const responded = deferred<void>();
    let asked = 0;
    await using target = await startStreamingTarget((_request, response) => {
      asked += 1;
      void responded.promise.then(() => response.end("slow"));
    });
    await using all = await startWithExport(target.url, scheme, "node");
    const { token } = all;
    const modest = all.connect();
    const statuses = statusesOf(modest);
    modest.write(requestHead(token) + ROUND);
    const flood = requestHead(token) + FLOOD;
    const sockets = Array.from({ length: 120 }, () => all.connect());
    const closed = sockets.map((socket) => {
      socket.on("error", () => undefined);
      socket.resume();
      socket.write(flood);
      return new Promise<void>((resolve) => void socket.on("close", () => resolve()));
    });
    await Promise.race(closed);
    expect(await all.healthz()).toBe(200);
    responded.resolve();
    await statuses.until(4);
    expect(asked).toBeGreaterThan(0);
    sockets.forEach((socket) => socket.destroy());
    modest.destroy();
    await Promise.all(closed);
    expect(await all.healthz()).toBe(200);
  },
);

test.each(SCHEMES)(
  "many connections that each send thousands of small requests at once wait as bytes, and each gets its responses in order (%s)",
  async (scheme) => {
    const responded = deferred<void>();
    let asked = 0;
    await using target = await startStreamingTarget((_request, response) => {
      asked += 1;
      void responded.promise.then(() => response.end("slow"));
    });
    await using all = await startWithExport(target.url, scheme, "native");
    const sockets = Array.from({ length: 120 }, () => all.connect());
    const statuses = sockets.map(statusesOf);
    await Promise.all(
      sockets.map(
        (socket) => new Promise((resolve) => socket.write(requestHead(all.token) + FLOOD, resolve)),
      ),
    );
    await expect.poll(() => asked).toBe(sockets.length);
    expect(await all.healthz()).toBe(200);
    responded.resolve();
    // The second request has no Host: it is refused, and what follows is not carried out.
    await Promise.all(statuses.map((of) => of.until(2)));
    expect(await all.healthz()).toBe(200);
    sockets.forEach((socket) => socket.destroy());
  },
);

async function sendRounds(socket: Socket, round: string, count: number): Promise<void> {
  const batch = Buffer.from(round.repeat(100));
  for (let sent = 0; sent < count; sent += 100) {
    if (!socket.write(batch)) await once(socket, "drain");
  }
}

/** Collects the status codes of the responses, in order. */
function statusesOf(socket: Socket) {
  const seen: string[] = [];
  let rest = "";
  let check = (): void => undefined;
  socket.on("data", (chunk) => {
    const text = rest + chunk.toString("latin1");
    const from = seen.length;
    let end = 0;
    for (const match of text.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
      seen.push(match[1] ?? "");
      end = match.index + match[0].length;
    }
    rest = text.slice(Math.max(end, text.length - 20));
    if (seen.length > from) check();
  });
  return {
    first: () => seen[0],
    isRepeated: (round: string) => {
      const { length } = round.trim().split(" ");
      return seen.slice(1).join(" ") === round.repeat((seen.length - 1) / length).trim();
    },
    until: (count: number) =>
      new Promise<void>((resolve, reject) => {
        check = () => void (seen.length >= count && resolve());
        socket.on("close", () => reject(new Error(`closed after ${seen.length} responses`)));
        check();
      }),
  };
}
