import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import { deferred } from "../../../../testkit/src/deferred.ts";
import { descriptorsOf, redirectDescriptors } from "../../../../testkit/src/redirected-descriptors.ts";
import type { StoreCondition } from "../store.ts";
import { StoreBusyError, StoreFailedError, StoreFullError } from "../store.ts";
import { createBufferedTable } from "./buffered-table.ts";
import { openEnvironment } from "./environment.ts";
import type { WriteTurn } from "./writer.ts";

/*
 * Writes that fail below LMDB. The run itself fails if any of them leaves a rejection that nothing handles, or damages the memory of
 * this process: the message of LMDB is short enough if the first pages of the commit are adjacent.
 */

const DEADLINE_MS = 2_000;

async function open(reserveBytes = 0) {
  const directory = await temporaryDirectory();
  const path = join(directory.path, "store");
  const conditions: StoreCondition[] = [];
  const report = (condition: StoreCondition) => void conditions.push(condition);
  const environment = await openEnvironment(path, DEADLINE_MS, { reserveBytes, report });
  const key = (name: string) => Buffer.from(name);
  const request = (kind: WriteTurn["class"], owner = ""): WriteTurn => ({
    class: kind,
    owner: { tenant: owner, capability: owner },
    cost: 1,
    requiredBytes: 64 * 1024,
  });
  return {
    file: join(path, "data.mdb"),
    environment,
    conditions,
    put: (name: string, kind: WriteTurn["class"] = "create", owner = "") =>
      environment.write(
        () => environment.tables.meta.putSync(key(name), Buffer.alloc(8)),
        request(kind, owner),
      ),
    has: (name: string) =>
      environment.snapshot(() => environment.tables.meta.getBinary(key(name)) !== undefined),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

test("a commit that finds no space is refused with its cause, nothing of it is stored, and the next one is written", async () => {
  await using at = await open();
  // The first commit leaves single pages, which the next two take.
  for (const name of ["first", "second", "before"]) await at.put(name);
  const restore = redirectDescriptors(descriptorsOf(at.file, "plain"), "/dev/full", at.file);
  await expect(at.put("created")).rejects.toBeInstanceOf(StoreFullError);
  // Not asked whether there is room: this one reaches LMDB.
  await expect(at.put("revoked", "revoke")).rejects.toBeInstanceOf(StoreFullError);
  expect(at.has("before")).toBe(true);
  expect(at.conditions).toEqual([{ state: "full", cause: "ENOSPC" }]);
  restore();
  await at.put("after");
  expect(at.conditions.at(-1)).toEqual({ state: "writable" });
  expect([at.has("created"), at.has("revoked"), at.has("after")]).toEqual([false, false, true]);
  expect(await at.environment.close()).toBe(true);
});

test("an environment can be closed after its last commit failed", async () => {
  await using at = await open();
  const restore = redirectDescriptors(descriptorsOf(at.file, "plain"), "/dev/full", at.file);
  await expect(at.put("revoked", "revoke")).rejects.toBeInstanceOf(StoreFullError);
  restore();
  expect(await at.environment.close()).toBe(true);
});

test("a flush that fails is not acknowledged, and neither is anything after it", async () => {
  await using at = await open();
  await at.put("before");
  // LMDB writes its meta page through a separate descriptor, after the flush.
  redirectDescriptors(descriptorsOf(at.file, "synced"), "/dev/full", at.file);
  await expect(at.put("a", "revoke")).rejects.toBeInstanceOf(StoreFailedError);
  await expect(at.put("b", "revoke")).rejects.toBeInstanceOf(StoreFailedError);
  await expect(at.put("c")).rejects.toBeInstanceOf(StoreFailedError);
  expect(at.conditions).toEqual([{ state: "failed", cause: "MDB_PANIC" }]);
  expect(await at.environment.close()).toBe(false);
});

test("what throws in its turn is undone, and those that share its commit are not", async () => {
  await using at = await open();
  const { environment } = at;
  const thrown = environment.write(() => {
    environment.tables.meta.putSync(Buffer.from("undone"), Buffer.alloc(8));
    throw new RangeError("mine");
  });
  const [, outcome] = await Promise.allSettled([at.put("done"), thrown]);
  expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(RangeError) });
  expect([at.has("done"), at.has("undone")]).toEqual([true, false]);
  await environment.close();
});

test("of many writes that share a commit, one that throws is undone with what it put, and the rows of the others are there, each once", async () => {
  await using at = await open();
  const { environment } = at;
  const runs = new Map<number, number>();
  const writes = Array.from({ length: 20 }, (_, i) =>
    environment.write(() => {
      runs.set(i, (runs.get(i) ?? 0) + 1);
      environment.tables.meta.putSync(Buffer.from(`row ${i}`), Buffer.alloc(8));
      if (i % 7 === 3) throw new RangeError(`${i}`);
      return i;
    }),
  );
  const outcomes = await Promise.allSettled(writes);
  outcomes.forEach((outcome, i) => {
    expect(outcome).toMatchObject(i % 7 === 3 ? { reason: new RangeError(`${i}`) } : { value: i });
    expect(at.has(`row ${i}`)).toBe(i % 7 !== 3);
  });
  // The last one ran only in the second attempt.
  expect(runs.get(19)).toBe(1);
  await environment.close();
});

/** A row that writes share, as long as there were writes; `puts` has its length each time it is written. */
function shareRow({ environment }: Awaited<ReturnType<typeof open>>) {
  const { meta } = environment.tables;
  const key = Buffer.from("shared");
  const puts: number[] = [];
  const read = (of: Buffer) => {
    const row = meta.getBinary(of);
    return row === undefined ? undefined : [row];
  };
  const rows = createBufferedTable({
    get: read,
    put(of, [column = Buffer.alloc(0)]) {
      puts.push(column.length);
      meta.putSync(of, column);
    },
    remove: (of) => void meta.removeSync(of),
  });
  environment.buffer(rows);
  const add = (error?: Error) =>
    environment.write(() => {
      rows.put(key, [Buffer.alloc((rows.get(key)?.[0]?.length ?? 0) + 1)]);
      if (error !== undefined) throw error;
    });
  return { puts, add, length: () => environment.snapshot(() => read(key)?.[0]?.length) };
}

test("rows that are buffered are written once for all writes of a commit, and without what was undone", async () => {
  await using at = await open();
  const { puts, add, length } = shareRow(at);
  await Promise.all(Array.from({ length: 10 }, () => add()));
  expect(puts).toEqual([10]);
  await Promise.allSettled([add(), add(new RangeError("undone")), add()]);
  expect(length()).toBe(12);
  await at.environment.close();
});

test("a write that comes while a commit waits for its thread shares it", async () => {
  await using at = await open();
  const { puts, add } = shareRow(at);
  const first = add();
  // By then the commit has been asked for.
  for (let step = 0; step < 10; step += 1) await Promise.resolve();
  await Promise.all([first, add()]);
  expect(puts).toEqual([2]);
  await at.environment.close();
});

test("a commit whose writes were all given up before it began writes nothing, and the next one is written", async () => {
  await using at = await open();
  const { environment } = at;
  const late = deferred<void>();
  const held = environment.exclusively(() => late.promise);
  let runs = 0;
  const givenUp = environment.write(() => (runs += 1));
  await expect(givenUp).rejects.toBeInstanceOf(StoreBusyError);
  late.resolve();
  await held;
  await at.put("after");
  expect([runs, at.has("after")]).toEqual([0, true]);
  expect(await environment.close()).toBe(true);
});

test("a revoke overtakes hundreds of writes that wait, and a tenant does not wait for all of another's", async () => {
  await using at = await open();
  const order: string[] = [];
  const note = (name: string, written: Promise<unknown>) => written.then(() => void order.push(name));
  const written = Array.from({ length: 600 }, (_, i) => note("greedy", at.put(`g${i}`, "create", "greedy")));
  written.push(note("small", at.put("small", "create", "small")));
  // Of the owner that has most: no turns of tenants bring it forward.
  written.push(note("revoke", at.put("revoke", "revoke", "greedy")));
  await Promise.all(written);
  // All were sent in one turn of the event loop; a commit holds 32.
  expect(order.indexOf("revoke")).toBeLessThan(32);
  expect(order.indexOf("small")).toBeLessThan(32);
  await at.environment.close();
});

test("a revoke that comes while hundreds of writes are being committed waits for two of their commits at the most", async () => {
  await using at = await open();
  const order: string[] = [];
  const note = (name: string, written: Promise<unknown>) => written.then(() => void order.push(name));
  const written = Array.from({ length: 600 }, (_, i) => note("greedy", at.put(`g${i}`, "create", "greedy")));
  await Promise.race(written);
  await Promise.all([...written, note("revoke", at.put("revoke", "revoke", "greedy"))]);
  // The commit whose end was seen, the one that may have begun since, and the revoke's own.
  expect(order.indexOf("revoke")).toBeLessThan(3 * 32);
  await at.environment.close();
});

test("when too many writes wait, the latest of the owner that has most is refused", async () => {
  await using at = await open();
  const send = (owner: string, count: number) =>
    Array.from({ length: count }, (_, i) => at.put(`${owner}${i}`, "create", owner));
  const greedy = Promise.allSettled(send("greedy", 2_000));
  const small = Promise.allSettled(send("small", 20));
  const settled = await greedy;
  const refused = settled.filter(({ status }) => status === "rejected");
  expect(refused.length).toBeGreaterThan(900);
  expect(settled.slice(-refused.length)).toEqual(refused);
  expect(refused[0]).toMatchObject({ reason: expect.any(StoreBusyError) });
  expect((await small).every(({ status }) => status === "fulfilled")).toBe(true);
  await at.environment.close();
});
