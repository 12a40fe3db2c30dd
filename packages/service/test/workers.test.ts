import type { ServerResponse } from "node:http";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, expectStatus, exportThrough } from "../src/testkit/client.ts";
import { firstTokens } from "../src/testkit/data.ts";
import { temporaryDirectory } from "../src/testkit/directory.ts";
import type { ServiceProcess } from "../src/testkit/process.ts";
import { runMembrane, spawnService } from "../src/testkit/process.ts";
import { startStreamingTarget } from "../src/testkit/target.ts";
import type { TestTarget } from "../src/testkit/target.ts";
import { nextAnswer, openWire, requestHead } from "../src/testkit/wire.ts";
import type { Wire } from "../src/testkit/wire.ts";

const WORKERS = 2;
const CONNECTIONS = 8;
const ROUNDS = 20;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let service: ServiceProcess;
let create: string;
let target: TestTarget;
/** Answers that the target has begun and not ended. */
let begun: ServerResponse[] = [];
let names = 0;

beforeAll(async () => {
  directory = await temporaryDirectory();
  service = await spawnService(directory.path, { flags: ["--workers", String(WORKERS)] });
  ({ create } = await firstTokens(directory.path));
  target = await startStreamingTarget((request, response) => {
    if (request.headers["x-slow"] === undefined) return void response.end("ok");
    response.write("begun");
    begun.push(response);
  });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function openDoor(): Promise<{ readonly door: string; readonly revoke: string }> {
  names += 1;
  const membrane = await createMembrane(service, create, `m${names}`);
  return {
    door: await exportThrough(service, membrane.export, { uri: target.url }),
    revoke: membrane.revoke,
  };
}

/** Connections are handed to the workers in turn, so that these are on all of them. */
function openWires(): Promise<readonly Wire[]> {
  return Promise.all(Array.from({ length: CONNECTIONS }, () => openWire(service.port)));
}

async function closeAll(wires: readonly Wire[]): Promise<void> {
  for (const wire of wires) await wire[Symbol.asyncDispose]();
}

/** The statuses of one request on each of the connections. */
async function ask(wires: readonly Wire[], door: string): Promise<readonly number[]> {
  return Promise.all(
    wires.map(async (wire) => {
      const from = wire.received().length;
      wire.send(requestHead(door));
      return (await nextAnswer(wire, { from })).status;
    }),
  );
}

const all = (status: number): readonly number[] => Array.from({ length: CONNECTIONS }, () => status);

const pids = (): readonly number[] => {
  const of = (event: string): number[] =>
    service.logged().flatMap(({ msg, worker }) => (msg === event && worker !== undefined ? [worker] : []));
  const ended = new Set(of("worker ended"));
  return of("worker started").filter((pid) => !ended.has(pid));
};

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("the first tenant is made once, and there are as many workers as were asked for", () => {
  expect(service.logged().filter(({ msg }) => msg === "first capabilities written")).toHaveLength(1);
  expect(pids()).toHaveLength(WORKERS);
});

test("what one worker makes works at all, and what one revokes is refused by all with the very next request", async () => {
  const wires = await openWires();
  for (let round = 0; round < ROUNDS; round += 1) {
    const { door, revoke } = await openDoor();
    expect(await ask(wires, door)).toEqual(all(200));
    expectStatus(await call(service, revoke), 202);
    expect(await ask(wires, door)).toEqual(all(401));
  }
  await closeAll(wires);
});

test("a revoke that one worker answers cuts open streams in all of them", async () => {
  const wires = await openWires();
  const { door, revoke } = await openDoor();
  for (const wire of wires) {
    wire.send(requestHead(door, { headers: ["X-Slow: 1"] }));
    await wire.until((received) => received.includes("begun"));
  }
  expectStatus(await call(service, revoke), 202);
  await Promise.all(wires.map(({ closed }) => closed));
  for (const wire of wires) expect(wire.received()).not.toMatch(/\r\n0\r\n\r\n$/);
  begun = [];
});

test("a worker that is killed takes its own connections with it and no others; it is replaced, and nobody is refused", async () => {
  const { door } = await openDoor();
  const wires = await openWires();
  await ask(wires, door);
  const [killed] = pids();
  process.kill(killed!, "SIGKILL");
  await expect.poll(() => pids()).not.toContain(killed);
  const left = wires.filter(({ socket }) => !socket.closed);
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThan(CONNECTIONS);
  expect(await ask(left, door)).toEqual(left.map(() => 200));
  await expect.poll(() => pids().length, { timeout: 30_000 }).toBe(WORKERS);
  expect(pids()).not.toContain(killed);
  const again = await openWires();
  expect(await ask(again, door)).toEqual(all(200));
  await closeAll([...left, ...again]);
});

test("when the first process is killed its workers end too", async () => {
  await using data = await temporaryDirectory();
  await using other = await spawnService(data.path, { flags: ["--workers", "3"] });
  const wires = await Promise.all(Array.from({ length: CONNECTIONS }, () => openWire(other.port)));
  await other.end("SIGKILL");
  await Promise.all(wires.map(({ closed }) => closed));
  const late = connect(other.port, "127.0.0.1");
  await expect(once(late, "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("SIGTERM lets what is under way finish in all workers, and ends all", async () => {
  await using data = await temporaryDirectory();
  await using other = await spawnService(data.path, { flags: ["--workers", String(WORKERS)] });
  const { create: first } = await firstTokens(data.path);
  const membrane = await createMembrane(other, first, "m");
  const door = await exportThrough(other, membrane.export, { uri: target.url });
  const wires = await Promise.all(Array.from({ length: CONNECTIONS }, () => openWire(other.port)));
  for (const wire of wires) {
    wire.send(requestHead(door, { headers: ["X-Slow: 1"] }));
    await wire.until((received) => received.includes("begun"));
  }
  const ended = other.end("SIGTERM");
  await expect.poll(() => other.logged().some(({ msg }) => msg === "stopping")).toBe(true);
  for (const response of begun.splice(0)) response.end(" and whole");
  for (const wire of wires) expect((await nextAnswer(wire)).body).toBe("begun and whole");
  expect(await ended).toEqual({ code: 0, signal: null });
  const started = other.logged().flatMap(({ msg, worker = 0 }) => (msg === "worker started" ? [worker] : []));
  expect(started.filter(isRunning)).toEqual([]);
  expect(other.logged().filter(({ msg }) => msg === "worker ended")).toEqual([]);
  await closeAll(wires);
});

test("a port that is taken stops the start with one line, as with one process, and makes no tenant", async () => {
  await using data = await temporaryDirectory();
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const words = ["serve", "--workers", "3", "--listen", `127.0.0.1:${port}`, "--data", data.path];
  const ended = await runMembrane(words);
  expect(ended).toMatchObject({ code: 1, stdout: "" });
  expect(ended.stderr).toMatch(new RegExp(`^membrane: --listen: 127\\.0\\.0\\.1:${port} is taken: .*\n$`));
  expect(await runMembrane(["tenant", "list", "--data", data.path])).toMatchObject({ stdout: "" });
  taken.close();
});
