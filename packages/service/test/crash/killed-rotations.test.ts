import { expect, test } from "vitest";
import { call, createMembrane, expectStatus } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import type { DiskRule } from "../support/disk/faulty-disk.ts";
import { createFaultyDisk } from "../support/disk/faulty-disk.ts";
import type { KeyPlace } from "../support/key-place.ts";
import { makeKeyPlace } from "../support/key-place.ts";
import { preload, signalAtStatement } from "../support/preload.ts";

/* A rotation, a drop, or the service while it rekeys, is killed: the store is as it was or as it was to be, and needs no key that was not saved. */

/** A store with capabilities that work. */
interface Place extends KeyPlace {
  readonly tokens: readonly string[];
}

async function makePlace(engine: "lmdb" | "postgres"): Promise<Place> {
  const place = await makeKeyPlace(engine);
  const tokens: string[] = [];
  await using service = await place.start();
  const first = await firstTokens(place.data);
  for (let number = 0; number < 10; number += 1) {
    const made = await createMembrane(service, first.create, `m${number}`);
    tokens.push(made.export);
  }
  tokens.push(first.create, first.provision);
  await service.end("SIGTERM");
  return { ...place, tokens };
}

/** All that were made: a membrane has two capabilities, and a first start makes four. */
const MADE = 2 * 10 + 4;

const BEFORE = { 1: MADE };
const AFTER = { 1: MADE, 2: 0 };

async function expectAllWork({ start, tokens }: Place): Promise<void> {
  await using service = await start();
  for (const token of tokens) expectStatus(await call(service, token, { body: {} }), 400);
  await service.end("SIGTERM");
}

/** Makes JavaScript that kills the process when it gives the key file its name, or when it has, after this many times. */
function killAtKeyFile({ isDone, skip = 0 }: { readonly isDone: boolean; readonly skip?: number }): string {
  return `
    import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    const original = fs.promises.rename;
    let left = ${skip};
    fs.promises.rename = async (...args) => {
      if (!args[1].endsWith("service.key") || left-- > 0) return original(...args);
      if (${isDone}) await original(...args);
      process.kill(process.pid, "SIGKILL");
    };
    syncBuiltinESMExports();`;
}

/** Ends as a killed rotation must: what is there works, and the same command finishes it. */
async function expectFinished(place: Place, outcome: object): Promise<void> {
  expect(await place.keys()).toEqual(outcome);
  expect((await place.lines()).length).toBeGreaterThanOrEqual(Object.keys(outcome).length);
  await expectAllWork(place);
  const isRotated = Object.keys(outcome).length > 1;
  if (!isRotated) {
    const { code, stderr } = await place.run(["key", "rotate"]);
    expect(code, stderr).toBe(0);
    await expectAllWork(place);
  }
  // One key was added, however often the command began.
  expect(await place.lines()).toHaveLength(2);
  expect(Object.keys(await place.keys())).toEqual(["1", "2"]);
  // Marks the older one where the rotation was killed before it could.
  expect(await place.run(["key", "retire"])).toMatchObject({ code: 0 });
  expect((await place.lines()).map((line) => line.startsWith("retired "))).toEqual([true, false]);
  await expectAllWork(place);
}

test.each([
  ["before the new key has its place", { isDone: false }],
  ["when the new key is saved", { isDone: true }],
])("a rotation that is killed %s leaves the store as it was", async (_when, moment) => {
  await using place = await makePlace("lmdb");
  expect(await place.run(["key", "rotate"], preload(killAtKeyFile(moment)))).toMatchObject({ code: null });
  await expectFinished(place, BEFORE);
});

const DISK_POINTS: readonly (readonly [
  string,
  Omit<DiskRule, "of" | "action">,
  "before" | "after",
  object,
])[] = [
  ["before a page is written", { calls: ["write"] }, "before", BEFORE],
  ["between two pages", { calls: ["write"] }, "after", BEFORE],
  ["before the head of the commit is written", { calls: ["head"] }, "before", BEFORE],
  ["when the head of the commit is written", { calls: ["head"] }, "after", AFTER],
];

test.each(DISK_POINTS)(
  "a rotation in LMDB that is killed %s leaves the store as it was or rotated",
  async (_when, rule, when, outcome) => {
    await using disk = await createFaultyDisk();
    await using place = await makePlace("lmdb");
    const action = when === "before" ? { kind: "kill before", heldMs: 0 } : { kind: "kill after" };
    using active = disk.add({ ...rule, of: "store/data.mdb", action } as DiskRule);
    expect(await place.run(["key", "rotate"], disk.env)).toMatchObject({ code: null });
    expect(active.hits()).toBe(1);
    await expectFinished(place, outcome);
  },
);

test.each([
  ["while it writes rows", signalAtStatement("UPDATE membrane.record"), BEFORE],
  ["before it writes the format", signalAtStatement("UPDATE membrane.meta"), BEFORE],
  ["before the commit is sent", signalAtStatement("COMMIT", { afterText: "UPDATE membrane.meta" }), BEFORE],
  [
    "when the commit is done",
    signalAtStatement("COMMIT", { afterText: "UPDATE membrane.meta", isSent: true }),
    AFTER,
  ],
])(
  "a rotation in PostgreSQL that is killed %s leaves the store as it was or rotated",
  async (_when, script, outcome) => {
    await using place = await makePlace("postgres");
    expect(await place.run(["key", "rotate"], preload(script))).toMatchObject({ code: null });
    await expectFinished(place, outcome);
  },
);

test.each(["lmdb", "postgres"] as const)(
  "a rotation that is killed when it has named the new key, and before it retires the old one, leaves a store that works and says what is left to do, over %s",
  async (engine) => {
    await using place = await makePlace(engine);
    // The first time is when the new key is saved.
    const killed = await place.run(["key", "rotate"], preload(killAtKeyFile({ isDone: false, skip: 1 })));
    expect(killed).toMatchObject({ code: null, stdout: "" });
    expect(await place.keys()).toEqual(AFTER);
    const [old, recent] = await place.lines();
    expect(old).toMatch(/^[0-9a-f]{64}$/);
    expect((await place.run(["key", "status"])).stdout).toContain(
      "has an older key that is not marked as retired",
    );
    await expectFinished(place, AFTER);
    expect(await place.lines()).toEqual([`retired ${old}`, recent]);
  },
);

test("a drop that is killed in LMDB before its commit forgets nothing, and after it all", async () => {
  await using disk = await createFaultyDisk();
  await using place = await makePlace("lmdb");
  expect(await place.run(["key", "rotate"])).toMatchObject({ code: 0 });
  const drop = ["key", "drop", "1", "--forgets", String(MADE)];
  const killed = async (action: DiskRule["action"]): Promise<void> => {
    using _rule = disk.add({ calls: ["head"], of: "store/data.mdb", action });
    expect(await place.run(drop, disk.env)).toMatchObject({ code: null });
  };
  await killed({ kind: "kill before", heldMs: 0 });
  expect(await place.keys()).toEqual(AFTER);
  await killed({ kind: "kill after" });
  expect(await place.keys()).toEqual({ 2: 0 });
});

test.each(["lmdb", "postgres"] as const)(
  "a service that is killed while it rekeys loses no capability, over %s",
  async (engine) => {
    await using place = await makePlace(engine);
    for (let round = 0; round < 3; round += 1) {
      expect(await place.run(["key", "rotate"])).toMatchObject({ code: 0 });
      await using service = await place.start();
      const presented = place.tokens.map((token) =>
        call(service, token, { body: {} }).catch(() => undefined),
      );
      // Between the first response and the last rekeying.
      await presented[0];
      await service.end("SIGKILL");
      await Promise.all(presented);
    }
    const total = Object.values(await place.keys()).reduce((sum, count) => sum + count);
    expect(total).toBe(MADE);
    await expectAllWork(place);
  },
);
