import { connect, createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, expectStatus, exportThrough } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";
import type { HeldResponses } from "../support/held-responses.ts";
import { startHeldResponses } from "../support/held-responses.ts";

const WORKERS = 2;
const CONNECTIONS = 8;
const ROUNDS = 20;

let held: HeldResponses;
let { service, target, begun, exportTarget } = {} as HeldResponses;

beforeAll(async () => {
  held = await startHeldResponses(["--workers", String(WORKERS)]);
  ({ service, target, begun, exportTarget } = held);
});

afterAll(() => held[Symbol.asyncDispose]());

/** Opens connections, which go to the workers in turn, so that each worker has some. */
function openWires(): Promise<readonly RawConnection[]> {
  return Promise.all(Array.from({ length: CONNECTIONS }, () => openRawConnection(service.port)));
}

async function closeAll(connections: readonly RawConnection[]): Promise<void> {
  for (const connection of connections) await connection[Symbol.asyncDispose]();
}

/** Sends one request on each of the connections, and returns the statuses. */
async function ask(connections: readonly RawConnection[], token: string): Promise<readonly number[]> {
  return Promise.all(
    connections.map(async (connection) => {
      const from = connection.received().length;
      connection.send(requestHead(token));
      return (await nextResponse(connection, { from })).status;
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

test("the first tenant is made once, and there are as many workers as --workers says", () => {
  expect(service.logged().filter(({ msg }) => msg === "first capabilities written")).toHaveLength(1);
  expect(pids()).toHaveLength(WORKERS);
});

test("a capability that one worker made works at all workers, and one that it revoked is refused by all with the very next request", async () => {
  const connections = await openWires();
  for (let round = 0; round < ROUNDS; round += 1) {
    const { token, revoke } = await exportTarget();
    expect(await ask(connections, token)).toEqual(all(200));
    expectStatus(await call(service, revoke), 202);
    expect(await ask(connections, token)).toEqual(all(401));
  }
  await closeAll(connections);
});

test("a revoke at one worker cuts open streams in all of them", async () => {
  const connections = await openWires();
  const { token, revoke } = await exportTarget();
  for (const connection of connections) {
    connection.send(requestHead(token, { headers: ["X-Slow: 1"] }));
    await connection.until((received) => received.includes("begun"));
  }
  expectStatus(await call(service, revoke), 202);
  await Promise.all(connections.map(({ closed }) => closed));
  for (const connection of connections) expect(connection.received()).not.toMatch(/\r\n0\r\n\r\n$/);
  begun.length = 0;
});

test("when a worker is killed only its connections end; it is replaced, and no client is refused", async () => {
  const { token } = await exportTarget();
  const connections = await openWires();
  await ask(connections, token);
  const [killed] = pids();
  process.kill(killed!, "SIGKILL");
  await expect.poll(() => pids()).not.toContain(killed);
  /** The status, or how the connection has ended. */
  const outcomes = await Promise.all(
    connections.map((connection) =>
      ask([connection], token).then(
        ([status]) => status,
        () => connection.closed,
      ),
    ),
  );
  for (const outcome of outcomes) expect([200, "ended", "reset"]).toContain(outcome);
  const left = connections.filter((_, index) => outcomes[index] === 200);
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThan(CONNECTIONS);
  expect(await ask(left, token)).toEqual(left.map(() => 200));
  await expect.poll(() => pids().length).toBe(WORKERS);
  expect(pids()).not.toContain(killed);
  const again = await openWires();
  expect(await ask(again, token)).toEqual(all(200));
  await closeAll([...left, ...again]);
});

test("when the main process is killed, its workers end too", async () => {
  await using data = await temporaryDirectory();
  await using other = await spawnService(data.path, { flags: ["--workers", "3"] });
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => openRawConnection(other.port)),
  );
  await other.end("SIGKILL");
  await Promise.all(connections.map(({ closed }) => closed));
  const late = connect(other.port, "127.0.0.1");
  await expect(once(late, "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("SIGTERM lets requests in flight finish in all workers, and ends all processes", async () => {
  await using data = await temporaryDirectory();
  await using other = await spawnService(data.path, { flags: ["--workers", String(WORKERS)] });
  const { create: first } = await firstTokens(data.path);
  const membrane = await createMembrane(other, first, "m");
  const token = await exportThrough(other, membrane.export, { uri: target.url });
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => openRawConnection(other.port)),
  );
  for (const connection of connections) {
    connection.send(requestHead(token, { headers: ["X-Slow: 1"] }));
    await connection.until((received) => received.includes("begun"));
  }
  const ended = other.end("SIGTERM");
  await expect.poll(() => other.logged().some(({ msg }) => msg === "stopping")).toBe(true);
  for (const response of begun.splice(0)) response.end(" and whole");
  for (const connection of connections) expect((await nextResponse(connection)).body).toBe("begun and whole");
  expect(await ended).toEqual({ code: 0, signal: null });
  const started = other.logged().flatMap(({ msg, worker = 0 }) => (msg === "worker started" ? [worker] : []));
  expect(started.filter(isRunning)).toEqual([]);
  expect(other.logged().filter(({ msg }) => msg === "worker ended")).toEqual([]);
  await closeAll(connections);
});

test("a port in use stops the start with one line, as with one process, and makes no tenant", async () => {
  await using data = await temporaryDirectory();
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const args = ["serve", "--workers", "3", "--listen", `127.0.0.1:${port}`, "--data", data.path];
  const ended = await runMembrane(args);
  expect(ended).toMatchObject({ code: 1, stdout: "" });
  expect(ended.stderr).toMatch(new RegExp(`^membrane: --listen: 127\\.0\\.0\\.1:${port} is taken: .*\n$`));
  expect(await runMembrane(["tenant", "list", "--data", data.path])).toMatchObject({ stdout: "" });
  taken.close();
});
