import { randomBytes } from "node:crypto";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ENGINE_NAMES, ENGINES } from "../../../../testkit/src/engines.ts";
import { memorySnapshot } from "../../../../testkit/src/memory-snapshot.ts";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import type { Uid } from "../../domain/uid.ts";
import { newUid, parseUid } from "../../domain/uid.ts";
import type { Change, SweepEntry, SweepRequest, WriteSnapshot } from "../engine.ts";
import { createServiceKeys } from "../keys.ts";
import type { StoredCapability, StoredRecord } from "../record.ts";
import { sizeOfRecord } from "../record-size.ts";
import { NO_OWNER } from "../write-owner.ts";
import { decideSweep, sweepRequest } from "./sweep.ts";

const LIMIT = 10;
const REQUEST: SweepRequest = { limit: LIMIT, expiredBefore: 100 };
const EIGHT: SweepRequest = { ...REQUEST, limit: 8 };

function capability(uid: Uid, membrane: Uid): StoredCapability {
  return {
    type: "capability",
    uid,
    version: 1,
    kind: "export",
    resource: membrane,
    lookupId: randomBytes(32),
    sealed: Buffer.alloc(0),
  };
}

function expiring(uid: Uid, expiresAt: number): StoredCapability {
  return { ...capability(uid, MEMBRANE), version: 2, expiresAt };
}

const MEMBRANE = newUid((size) => Buffer.alloc(size));

// Uids in order, all of them after that of the membrane.
const LEAVES = Array.from({ length: 300 }, (_, number) =>
  capability(
    newUid((size) => Buffer.alloc(size).fill(Buffer.from([1, number >> 8, number & 255]))),
    MEMBRANE,
  ),
);

const INSERT_LEAVES: readonly Change[] = LEAVES.map((record) => ({ type: "insert", record }));
const QUEUE_MEMBRANE: Change = { type: "queueSweep", uid: MEMBRANE, isRoot: true };

/** How many rows a batch looks after, in records, entries of the queue, and rows that lead to no record. */
function sizeOf(changes: readonly Change[]): number {
  const counted = new Set<Change["type"]>(["remove", "removeDependency", "removeExpiry", "unqueueSweep"]);
  return changes.filter(({ type }) => counted.has(type)).length;
}

describe.each(ENGINE_NAMES)("over %s", (engineName) => {
  async function open() {
    const directory = await temporaryDirectory();
    const engine = await ENGINES[engineName]({
      directory: join(directory.path, "store"),
      keys: createServiceKeys(randomBytes(32)),
      writeTimeoutMs: 2_000,
      reserveBytes: 0,
    });
    return {
      apply: (changes: readonly Change[]) =>
        engine.write({ class: "create", owner: NO_OWNER, size: { records: 300, sealedBytes: 0 } }, () => ({
          result: undefined,
          changes,
        })),
      /** Sweeps to the end. @returns how many records each batch deleted, and how much each did. */
      async sweep() {
        const batches: { readonly deleted: number; readonly size: number }[] = [];
        for (let more = true; more && batches.length < 1_000;) {
          const batch = await engine.write(sweepRequest(REQUEST), (snapshot) => {
            const { result, changes } = decideSweep(snapshot, REQUEST);
            return { result: { ...result, size: sizeOf(changes) }, changes };
          });
          batches.push(batch);
          ({ more } = batch);
        }
        return batches;
      },
      async [Symbol.asyncDispose]() {
        await engine.close();
        await directory[Symbol.asyncDispose]();
      },
    };
  }

  test("a batch is short even when hundreds of records are below one node", async () => {
    await using at = await open();
    await at.apply([...INSERT_LEAVES, QUEUE_MEMBRANE]);
    const batches = await at.sweep();
    expect(Math.max(...batches.map(({ size }) => size))).toBeLessThanOrEqual(LIMIT);
    expect(batches.reduce((sum, { deleted }) => sum + deleted, 0)).toBe(LEAVES.length);
    expect(batches.length).toBeLessThan(40);
  });

  test("a batch is short even when hundreds of queued nodes have nothing below them", async () => {
    await using at = await open();
    await at.apply(LEAVES.map(({ uid }) => ({ type: "queueSweep", uid, isRoot: false })));
    const batches = await at.sweep();
    expect(Math.max(...batches.map(({ size }) => size))).toBeLessThanOrEqual(LIMIT);
    expect(batches.reduce((sum, { size }) => sum + size, 0)).toBe(LEAVES.length);
  });

  test("a batch is short even when hundreds of capabilities have expired, and leaves what has not", async () => {
    await using at = await open();
    await at.apply(LEAVES.map(({ uid }, time) => ({ type: "insert", record: expiring(uid, time) })));
    const batches = await at.sweep();
    expect(Math.max(...batches.map(({ size }) => size))).toBeLessThanOrEqual(LIMIT);
    expect(batches.reduce((sum, { deleted }) => sum + deleted, 0)).toBe(REQUEST.expiredBefore);
    expect(await at.sweep()).toEqual([{ deleted: 0, more: false, size: 0 }]);
  });

  test("a batch is short even when hundreds of index rows lead to no record", async () => {
    await using at = await open();
    const elsewhere = LEAVES.map(({ uid, lookupId }): Change => {
      const moved = { ...capability(uid, parseUid("f".repeat(32))), lookupId };
      // Removes the row of the record, and index rows that are not there.
      return { type: "remove", record: moved };
    });
    await at.apply([...INSERT_LEAVES, ...elsewhere, QUEUE_MEMBRANE]);
    const batches = await at.sweep();
    expect(Math.max(...batches.map(({ size }) => size))).toBeLessThanOrEqual(LIMIT);
    expect(batches.every(({ deleted }) => deleted === 0)).toBe(true);
    expect(batches.reduce((sum, { size }) => sum + size, 0)).toBe(LEAVES.length + 1);
  });
});

/* Decisions from snapshots in memory. */

const [A, B, C, TENANT] = ["a", "b", "c", "d"].map((digit) => parseUid(digit.repeat(32))) as [
  Uid,
  Uid,
  Uid,
  Uid,
];

function membrane(uid: Uid): StoredRecord {
  const empty = Buffer.alloc(0);
  return {
    type: "membrane",
    uid,
    version: 1,
    tenant: TENANT,
    name: "m",
    revoked: true,
    createdBy: C,
    recipientKey: empty,
    sealed: empty,
  };
}

interface TestEntry {
  readonly uid: Uid;
  readonly isRoot?: boolean;
  readonly below: readonly Uid[];
}

function snapshotOf(
  records: readonly StoredRecord[],
  entries: readonly TestEntry[],
  parents: readonly Uid[],
) {
  const sweepEntry = ({ uid, isRoot = false, below }: TestEntry): SweepEntry => ({
    uid,
    isRoot,
    dependents: below.map((dependent) => ({
      uid: dependent,
      hasDependents: () => parents.includes(dependent),
    })),
  });
  return memorySnapshot(records, { sweepEntries: ({ limit }) => entries.slice(0, limit).map(sweepEntry) });
}

const changesOf = (changes: readonly Change[], type: Change["type"]): readonly Change[] =>
  changes.filter((change) => change.type === type);

test("a record below two queued nodes is removed once", () => {
  const snapshot = snapshotOf(
    [capability(C, A)],
    [
      { uid: A, below: [C] },
      { uid: B, below: [C] },
    ],
    [],
  );
  const { result, changes } = decideSweep(snapshot, EIGHT);
  expect(result).toEqual({ deleted: 1, more: false });
  expect(changesOf(changes, "remove")).toHaveLength(1);
  expect(changesOf(changes, "unqueueSweep")).toHaveLength(2);
});

test("a revoked membrane that is itself removed stays in the queue until what it kept is removed too", () => {
  const snapshot = snapshotOf(
    [membrane(B)],
    [
      { uid: A, isRoot: true, below: [B] },
      // Its `revoke` capability is left out here, and no more once the membrane is removed.
      { uid: B, isRoot: true, below: [] },
    ],
    [B],
  );
  const { result, changes } = decideSweep(snapshot, EIGHT);
  expect(result).toEqual({ deleted: 1, more: true });
  expect(changesOf(changes, "queueSweep")).toEqual([{ type: "queueSweep", uid: B, isRoot: false }]);
  expect(changesOf(changes, "unqueueSweep")).toEqual([{ type: "unqueueSweep", uid: A }]);
});

test("the bytes of a membrane that is removed are given back once, with what was removed in it before and what is still in it", () => {
  const snapshot: WriteSnapshot = {
    ...snapshotOf(
      [membrane(B), capability(C, B), capability(A, B)],
      [{ uid: TENANT, isRoot: true, below: [C, B, A] }],
      [],
    ),
    storedBytes: (owner) => (owner === B ? 10_000 : 0),
  };
  const { changes } = decideSweep(snapshot, EIGHT);
  const bytes = changes.flatMap((change) =>
    change.type === "addStoredBytes" && change.owner === TENANT ? [change.by] : [],
  );
  const [ofCapability, ofMembrane] = [sizeOfRecord(capability(C, B)), sizeOfRecord(membrane(B))];
  // The other capability is not counted any more: its membrane is gone.
  expect(bytes).toEqual([-ofCapability, -(ofMembrane + 10_000 - ofCapability)]);
});

test("of what has expired a batch removes what the queue leaves room for, and queues what depends on it", () => {
  const expired = [A, B, C].map((uid) => ({ uid, expiresAt: 7, hasDependents: () => uid === A }));
  const records = [A, C].map((uid) => expiring(uid, 7));
  const snapshot: WriteSnapshot = {
    ...snapshotOf(records, [{ uid: TENANT, below: [] }], []),
    expired: () => expired,
  };
  const { result, changes } = decideSweep(snapshot, { ...REQUEST, limit: 3 });
  expect(result).toEqual({ deleted: 1, more: true });
  expect(changesOf(changes, "remove")).toEqual([{ type: "remove", record: records[0] }]);
  expect(changesOf(changes, "queueSweep")).toEqual([{ type: "queueSweep", uid: A, isRoot: false }]);
  // A row that leads to no record does not come up again.
  expect(changesOf(changes, "removeExpiry")).toEqual([{ type: "removeExpiry", uid: B, expiresAt: 7 }]);
});

test("a capability is not removed for a row of another expiry than its own", () => {
  const expired = [{ uid: A, expiresAt: 7, hasDependents: () => false }];
  for (const record of [capability(A, MEMBRANE), expiring(A, 8)]) {
    const snapshot: WriteSnapshot = { ...snapshotOf([record], [], []), expired: () => expired };
    expect(decideSweep(snapshot, EIGHT).result).toEqual({ deleted: 0, more: false });
  }
});

test("what is below a queued node and has expired too is removed once", () => {
  const record = expiring(C, 7);
  const snapshot: WriteSnapshot = {
    ...snapshotOf([record], [{ uid: A, below: [C] }], []),
    expired: () => [{ uid: C, expiresAt: 7, hasDependents: () => false }],
  };
  const { result, changes } = decideSweep(snapshot, EIGHT);
  expect(result).toEqual({ deleted: 1, more: false });
  expect(changesOf(changes, "remove")).toHaveLength(1);
});

const QUEUE = fc.array(
  fc.array(fc.record({ index: fc.nat(40), isStored: fc.boolean() }), { maxLength: 12 }),
  {
    minLength: 1,
    maxLength: 12,
  },
);

test("a batch handles at least one and at most as many records, entries and index rows as its limit", () => {
  const property = fc.property(QUEUE, fc.integer({ min: 1, max: 10 }), (queue, limit) => {
    const uidOf = (index: number): Uid => parseUid(index.toString(16).padStart(32, "0"));
    const stored = new Set(queue.flat().flatMap(({ index, isStored }) => (isStored ? [index] : [])));
    const entries = queue.map((below, index) => ({
      uid: uidOf(100 + index),
      below: [...new Set(below.map((dependent) => uidOf(dependent.index)))].slice(0, limit),
    }));
    const records = Array.from(stored, (index) => capability(uidOf(index), MEMBRANE));
    const { changes } = decideSweep(snapshotOf(records, entries, []), { ...REQUEST, limit });
    expect(sizeOf(changes)).toBeGreaterThan(0);
    expect(sizeOf(changes)).toBeLessThanOrEqual(limit);
  });
  fc.assert(property, { numRuns: 300 });
});
