import { Agent } from "undici";
import { expect, test } from "vitest";
import type { CallResponse } from "../../../testkit/src/client.ts";
import { call, createMembrane, exportThrough, expectStatus } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import { runToItsEnd, spawnService } from "../../../testkit/src/process.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { DiskRule } from "../support/disk/faulty-disk.ts";
import { createFaultyDisk } from "../support/disk/faulty-disk.ts";
import { openStream, startEndlessTarget } from "../support/open-stream.ts";
import type { Machine } from "../support/kills/machine.ts";
import { startMachine } from "../support/kills/machine.ts";

/* A disk that refuses what is written, does not flush it, or cannot be read. */

const FAILED = { status: 503, json: { code: "store_failed" } };

interface Life {
  readonly revoke: string;
  readonly plain: string;
  readonly counted: string;
}

/** Makes membranes, each with two capabilities that were used once. */
async function makeLives({ node, data }: Machine, target: TestTarget): Promise<[Life, Life, Life]> {
  const make = async (name: string): Promise<Life> => {
    const membrane = await createMembrane(node.service, data.tokens.create, name);
    const exporting = (body: object): Promise<string> =>
      exportThrough(node.service, membrane.export, { uri: target.url, ...body });
    const [plain, counted] = [await exporting({}), await exporting({ limits: { maxUses: 9 } })];
    for (const token of [plain, counted]) expectStatus(await call(node.service, token), 200);
    return { revoke: membrane.revoke, plain, counted };
  };
  return [await make("a"), await make("b"), await make("c")];
}

/** What a client meets that creates, uses and revokes, one after the other: a revoke may take effect without an acknowledgement. */
async function tryToWrite({ node, data }: Machine, { revoke, counted }: Life): Promise<CallResponse[]> {
  const { service } = node;
  return [
    await call(service, data.tokens.create, { body: { id: "new" } }),
    await call(service, counted),
    await call(service, revoke, { method: "POST" }),
  ];
}

function failing(
  calls: DiskRule["calls"],
  code: "EIO" | "ENOSPC",
  { dataFile }: Machine,
  skip = 0,
): DiskRule {
  return { calls, of: dataFile, skip, action: { kind: "fail", code } };
}

/** Each state of the store that the service has logged. */
function states({ node }: Machine): readonly (string | undefined)[] {
  return node.service.logged().flatMap(({ msg, cause }) => (msg === "store" ? [cause] : []));
}

test("while a disk takes no pages nothing is written and nothing counted is sent, the rest goes on, and so do writes as soon as it takes them", async () => {
  await using target = await startTarget();
  await using machine = await startMachine([]);
  const { node, disk, data, dataFile } = machine;
  const [a, b] = await makeLives(machine, target);
  const sent = target.requests.length;
  {
    using _rule = disk.add({ calls: ["write"], of: dataFile, action: { kind: "shorten" } });
    for (const response of await tryToWrite(machine, a)) expect(response).toMatchObject(FAILED);
    expect(target.requests).toHaveLength(sent);
    for (const { plain } of [a, b]) expectStatus(await call(node.service, plain), 200);
    const { json } = await call(node.service, data.tokens.query, { path: "/?limit=9" });
    expect(json.membranes).toHaveLength(3);
  }
  const [created, , revoked] = await tryToWrite(machine, b);
  expectStatus(created!, 201);
  expectStatus(revoked!, 202);
  for (const token of [b.plain, b.counted]) expectStatus(await call(node.service, token), 401);
  expectStatus(await call(node.service, a.counted), 200);
  expect(states(machine)).toEqual(["EIO", undefined]);
  expect(await node.service.end("SIGTERM")).toEqual({ code: 0, signal: null });
});

test("a disk that refuses a page with an error ends the process at most, which says why, and nothing that was acknowledged is lost", async () => {
  await using target = await startTarget();
  await using machine = await startMachine([]);
  const { node, disk } = machine;
  const lives = await makeLives(machine, target);
  {
    using _rule = disk.add(failing(["write"], "EIO", machine));
    await tryToWrite(machine, lives[0]).catch(() => undefined);
    // LMDB's message of the page may have damaged its memory.
    const reason = await node.service.end("SIGKILL").then(
      () => "DamagedMemoryError",
      ({ message }: Error) => message,
    );
    expect(reason).toContain("DamagedMemoryError");
  }
  await machine.restart("power failure", () => true);
  for (const { plain, counted } of lives)
    for (const token of [plain, counted]) expectStatus(await call(node.service, token), 200);
});

test("after one flush that failed no write is acknowledged until a restart, a revoke takes effect, and a power failure takes nothing that was acknowledged", async () => {
  await using target = await startTarget();
  await using machine = await startMachine([]);
  const { node, disk } = machine;
  const [a, b, c] = await makeLives(machine, target);
  const sent = target.requests.length;
  const rule = disk.add({ ...failing(["flush"], "EIO", machine), times: 1 });
  expect(await call(node.service, b.counted)).toMatchObject(FAILED);
  expect(rule.hits()).toBe(1);
  rule[Symbol.dispose]();
  for (const response of await tryToWrite(machine, a)) expect(response).toMatchObject(FAILED);
  expect(target.requests).toHaveLength(sent);
  expectStatus(await call(node.service, a.plain), 401);
  for (const { plain } of [b, c]) expectStatus(await call(node.service, plain), 200);
  expect(await call(node.service, undefined, { path: "/readyz" })).toMatchObject(FAILED);
  expect(states(machine)).toEqual(["EIO"]);
  await machine.kill();

  await machine.restart("power failure", () => true);
  for (const { plain, counted } of [b, c])
    for (const token of [plain, counted]) expectStatus(await call(node.service, token), 200);
  expectStatus(await call(node.service, a.revoke, { method: "POST" }), 202);
  for (const token of [a.plain, a.counted]) expectStatus(await call(node.service, token), 401);
  expect(await node.service.end("SIGTERM")).toEqual({ code: 0, signal: null });
});

test.each([
  ["of a commit", 0],
  ["of a flush", 1],
] as const)(
  "after the head %s was not written every request is a 503 and every stream is cut until a restart, which has all that was acknowledged",
  async (_of, skip) => {
    await using target = await startTarget();
    await using machine = await startMachine([]);
    const { node, disk, data } = machine;
    const [a, b, c] = await makeLives(machine, target);
    await using endless = await startEndlessTarget();
    const agent = new Agent();
    const kept = await createMembrane(node.service, data.tokens.create, "kept");
    const streaming = await exportThrough(node.service, kept.export, { uri: endless.url });
    const stream = await openStream(node.service, streaming, agent);
    const sent = target.requests.length;
    const rule = disk.add({ ...failing(["head"], "EIO", machine, skip), times: 1 });
    expect(await call(node.service, b.counted)).toMatchObject(FAILED);
    rule[Symbol.dispose]();
    for (const response of await tryToWrite(machine, a)) expect(response).toMatchObject(FAILED);
    for (const token of [a.plain, b.plain, data.tokens.query])
      expect(await call(node.service, token)).toMatchObject(FAILED);
    expect(await call(node.service, undefined, { path: "/readyz" })).toMatchObject(FAILED);
    expect(target.requests).toHaveLength(sent);
    await stream.aborted();
    await agent.destroy();
    expect(states(machine)).toEqual(["MDB_PANIC"]);
    expect(node.service.logged().map(({ msg }) => msg)).not.toContain("fault");
    expect(await node.service.end("SIGTERM")).toEqual({ code: 0, signal: null });

    await machine.restart("power failure", () => true);
    for (const { plain, counted } of [a, b, c])
      for (const token of [plain, counted]) expectStatus(await call(node.service, token), 200);
    expectStatus(await call(node.service, a.revoke, { method: "POST" }), 202);
    expectStatus(await call(node.service, a.plain), 401);
  },
);

test("a start that cannot read a file of the store ends with its name, and the next one serves", async () => {
  await using disk = await createFaultyDisk();
  await using data = await initDataDirectory();
  for (const file of ["service.key", "store/data.mdb", "store/gate.mdb"]) {
    using _rule = disk.add({
      calls: ["read"],
      of: `${data.path}/${file}`,
      action: { kind: "fail", code: "EIO" },
    });
    const args = ["serve", "--data", data.path, "--authority", "membrane.test", "--listen", "127.0.0.1:0"];
    const { code, stderr } = await runToItsEnd(args, disk.env);
    expect({ file, code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`: ${data.path}/${file.split("/")[0]}`),
    });
  }
  await using service = await spawnService(data.path, { env: disk.env });
  await createMembrane(service, data.tokens.create, "m");
});

test("a log that the disk refuses stops nothing", async () => {
  await using machine = await startMachine([]);
  const { disk, data, node } = machine;
  using rule = disk.add({ calls: ["send"], of: '"msg":"', action: { kind: "fail", code: "EIO" } });
  for (let i = 0; i < 20; i += 1) {
    const { revoke } = await createMembrane(node.service, data.tokens.create, `m${i}`);
    expectStatus(await call(node.service, revoke), 202);
  }
  expect(rule.hits()).toBeGreaterThan(0);
});
