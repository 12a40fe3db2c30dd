import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Uid } from "../../domain/uid.ts";
import { newUid } from "../../domain/uid.ts";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import { createServiceKeys } from "../keys.ts";
import type { StoredCapability } from "../record.ts";
import { openEnvironment } from "./environment.ts";
import { createRecords } from "./records.ts";
import { createAuthenticatedTable } from "./authenticated-table.ts";
import { queueSweep, sweepBelow } from "./sweep.ts";

const LIMIT = 10;

async function open() {
  const directory = await temporaryDirectory();
  const environment = openEnvironment(join(directory.path, "store"), 2_000);
  const keys = createServiceKeys(randomBytes(32));
  const nodes = createRecords(environment.tables, keys);
  const rows = createAuthenticatedTable("sweep", environment.tables.sweep, keys);
  let touched = 0;
  const queue = { ...rows, remove: (key: Buffer) => ((touched += 1), rows.remove(key)) };
  const unlinking = {
    ...nodes,
    unlink: (uid: Uid, child: Uid) => ((touched += 1), nodes.removeDependency(uid, child)),
  };
  return {
    environment,
    nodes,
    /** Sweeps one batch. @returns what it reports, and how many index rows it removed by themselves. */
    batch: async () => {
      touched = 0;
      const report = await environment.write(() => sweepBelow(queue, unlinking, LIMIT));
      return { ...report, touched };
    },
    queue: (root: Uid) => environment.write(() => queueSweep(queue, root)),
    async [Symbol.asyncDispose]() {
      await environment.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

function leafOf(membrane: Uid, number: number): StoredCapability {
  // Uids in order, all of them before that of the membrane: the worst order for a queue that is read by uid.
  const uid = newUid((size) => Buffer.alloc(size).fill(Buffer.from([0, number >> 8, number & 255])));
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

const MEMBRANE = newUid((size) => Buffer.alloc(size));
const LEAVES = Array.from({ length: 300 }, (_, number) => leafOf(MEMBRANE, number + 1));

test("a batch is short even when nothing hangs below the hundreds of records that were deleted before", async () => {
  await using at = await open();
  await at.environment.write(() => LEAVES.forEach((leaf) => at.nodes.insert(leaf)));
  await at.queue(MEMBRANE);
  let deleted = 0;
  let more = true;
  for (let batch = 0; more && batch < 1_000; batch += 1) {
    const report = await at.batch();
    expect(report.deleted + report.touched).toBeLessThanOrEqual(LIMIT);
    deleted += report.deleted;
    ({ more } = report);
  }
  expect({ deleted, more }).toEqual({ deleted: LEAVES.length, more: false });
});

test("a batch is short even when hundreds of index rows lead to no record", async () => {
  await using at = await open();
  await at.environment.write(() => {
    for (const leaf of LEAVES) {
      at.nodes.insert(leaf);
      at.environment.tables.nodes.removeSync(Buffer.from(leaf.uid, "hex"));
    }
  });
  await at.queue(MEMBRANE);
  let more = true;
  for (let batch = 0; more && batch < 1_000; batch += 1) {
    const report = await at.batch();
    expect(report.deleted).toBe(0);
    expect(report.touched).toBeLessThanOrEqual(LIMIT);
    ({ more } = report);
  }
  expect(more).toBe(false);
  expect(at.environment.tables.children.getCount()).toBe(0);
});
