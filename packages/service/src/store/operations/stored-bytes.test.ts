import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ENGINE_NAMES } from "../../../../testkit/src/engines.ts";
import type { TestMembrane, TestStore } from "../../../../testkit/src/store.ts";
import { openTestStore } from "../../../../testkit/src/store.ts";
import { bytesKey } from "../codec/row-keys.ts";
import type { Quotas } from "../../domain/creation.ts";

async function bytesOf(at: TestStore, uid: TestStore["tenant"]["uid"]): Promise<number> {
  return at.readSnapshot({ uids: [uid] }, (snapshot) => snapshot.storedBytes(uid));
}

/** As many at once as share a commit. */
async function reexport(at: TestStore, membrane: TestMembrane, count: number): Promise<void> {
  for (let made = 0; made < count; made += 30) {
    await Promise.all(Array.from({ length: 30 }, () => at.reexport(at.create, membrane)));
  }
}

function pageBytes(stats: object): number {
  const { treeBranchPageCount, treeLeafPageCount, overflowPages } = stats as Record<string, number>;
  return 4_096 * (treeBranchPageCount! + treeLeafPageCount! + overflowPages!);
}

describe.each(ENGINE_NAMES)("over %s", (engine) => {
  const open = (limits: Partial<Quotas> = {}) => openTestStore(limits, engine);

  test("of an owner with many records whose row is gone some are looked at, and the bytes are found within a tenth", async () => {
    await using at = await open();
    const membrane = await at.membrane("m");
    await reexport(at, membrane, 900);
    const kept = await bytesOf(at, at.tenant.uid);
    await at.dropCounts();
    const found = await bytesOf(at, at.tenant.uid);
    expect(found).toBeGreaterThan(kept * 0.9);
    expect(found).toBeLessThan(kept * 1.1);
  });

  test("what died and was swept gives its bytes back, though the membrane itself was swept before what is in it", async () => {
    await using at = await open();
    const [above, other] = [await at.membrane("above"), await at.membrane("other")];
    const before = await bytesOf(at, at.tenant.uid);
    const delegated = await at.reexport(at.create, above);
    const below = await at.membrane("below", delegated);
    for (let i = 0; i < 20; i += 1) await at.reexport(at.create, below);
    expect(await bytesOf(at, at.tenant.uid)).toBeGreaterThan(before + 10_000);
    await at.store.revoke(above.record.uid, above.revoke.uid);
    while ((await at.store.sweep(1)).more);
    expect(await bytesOf(at, at.tenant.uid)).toBeLessThan(before);
    await using raw = await at.openRaw();
    const counts = (await raw.rows("counts")).map(({ key }) => key);
    expect(counts).not.toContainEqual(bytesKey(below.record.uid));
    expect(await bytesOf(at, other.record.uid)).toBeGreaterThan(0);
  });
});

// Every engine counts as LMDB does: a quota must not depend on the engine.
describe.each(["lmdb", "late"] as const)("over %s", (engine) => {
  test("what is counted is what the disk gives, within a factor of two", async () => {
    await using at = await openTestStore({}, engine);
    const membrane = await at.membrane("m");
    const usedBytes = (): Promise<number> =>
      at.readTables(({ tables }) =>
        Object.values(tables).reduce((all, table) => all + pageBytes(table.getStats()), 0),
      );
    const [before, counted] = [await usedBytes(), await bytesOf(at, membrane.record.uid)];
    await reexport(at, membrane, 900);
    const taken = (await usedBytes()) - before;
    const added = (await bytesOf(at, membrane.record.uid)) - counted;
    expect(added).toBeGreaterThan(taken / 2);
    expect(added).toBeLessThan(taken * 2);
    expect(statSync(join(at.directory, "store", "data.mdb")).size).toBeGreaterThan(taken);
  });
});
