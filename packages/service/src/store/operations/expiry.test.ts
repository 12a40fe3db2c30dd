import { err, ok } from "capability-protocol";
import { describe, expect, test } from "vitest";
import { ENGINE_NAMES } from "../../../../testkit/src/engines.ts";
import type { TestStore } from "../../../../testkit/src/store.ts";
import { openTestStore } from "../../../../testkit/src/store.ts";
import type { ExportTerms } from "../../domain/limits.ts";

const EXPIRY = 1_000_000;
const RETENTION_MS = 500;

const until = (expiresAt: number): ExportTerms => ({ own: { createdAt: 0, limits: { expiresAt } } });

async function rows(at: TestStore): Promise<Record<string, number>> {
  await using raw = await at.openRaw();
  const tables = ["nodes", "lookups", "names", "children", "sweep"] as const;
  const counts = await Promise.all(tables.map(async (table) => [table, (await raw.rows(table)).length]));
  return Object.fromEntries(counts);
}

async function sweepAll({ store }: TestStore): Promise<number> {
  let deleted = 0;
  for (let more = true; more;) {
    const report = await store.sweep(3);
    deleted += report.deleted;
    ({ more } = report);
  }
  return deleted;
}

describe.each(ENGINE_NAMES)("over %s", (engine) => {
  async function open() {
    const clock = { now: EXPIRY - 1 };
    const at = await openTestStore({ expiredRetentionMs: RETENTION_MS }, engine, () => clock.now);
    return Object.assign(at, { clock });
  }

  test("a capability and all that depends on it are dead from the moment it expires, and alive again if the clock was wrong", async () => {
    await using at = await open();
    const delegation = await at.membrane("delegation");
    const create = await at.reexport(at.create, delegation, until(EXPIRY));
    const below = await at.reexport(create, delegation);
    const membrane = await at.membrane("made with it", create);
    const all = [create, below, membrane.export, membrane.revoke];
    const alive = () => Promise.all(all.map(at.isAlive));
    expect(await alive()).toEqual([true, true, true, true]);
    expect(await at.store.isAlive(membrane.record.uid)).toBe(true);

    at.clock.now = EXPIRY;
    expect(await alive()).toEqual([false, false, false, false]);
    expect(await at.store.isAlive(membrane.record.uid)).toBe(false);
    expect(await at.store.find(below.lookupId)).toMatchObject({
      verdict: err({ cause: "expired", at: create.uid }),
    });
    const listed = await at.store.membranes(at.tenant.uid, { limit: 9 });
    expect(listed.membranes.map(({ name }) => name)).toEqual(["delegation"]);
    expect(await at.store.revoke(membrane.record.uid, membrane.revoke.uid)).toEqual(
      err({ reason: "lineage_dead" }),
    );

    await sweepAll(at);
    at.clock.now = EXPIRY - 1;
    expect(await alive()).toEqual([true, true, true, true]);
  });

  test("a live capability says when the first of its lineage expires", async () => {
    await using at = await open();
    const membrane = await at.membrane("membrane");
    const parent = await at.reexport(membrane.export, membrane, until(EXPIRY + 5));
    const child = await at.reexport(parent, membrane, until(EXPIRY + 9));
    for (const { lookupId } of [parent, child])
      expect((await at.store.find(lookupId))?.verdict).toMatchObject(ok({ expiresAt: EXPIRY + 5 }));
    const verdict = (await at.store.find(membrane.export.lookupId))?.verdict;
    expect(verdict?.ok === true && "expiresAt" in verdict.value).toBe(false);
  });

  test("nothing is made with or from what expires before the write, though it was alive when it was asked for", async () => {
    await using at = await open();
    const membrane = await at.membrane("membrane");
    const parent = await at.reexport(membrane.export, membrane, until(EXPIRY));
    const child = at.reexport(parent, membrane);
    at.clock.now = EXPIRY;
    await expect(child).rejects.toThrow("lineage_dead");
    await expect(at.membrane("late", parent)).rejects.toThrow("lineage_dead");
  });

  test("what expired longer ago than the retention is swept with all that depends on it, and nothing else is left of it", async () => {
    await using at = await open();
    const delegation = await at.membrane("delegation");
    const kept = await at.reexport(at.create, delegation, until(EXPIRY + 1));
    const before = await rows(at);
    const create = await at.reexport(at.create, delegation, until(EXPIRY));
    for (const name of ["a", "b"]) {
      const membrane = await at.membrane(name, create);
      await at.reexport(membrane.revoke, delegation);
      await at.reexport(membrane.export, delegation, until(EXPIRY + 9));
    }
    at.clock.now = EXPIRY + RETENTION_MS;
    expect(await sweepAll(at)).toBe(0);
    at.clock.now += 1;
    // The capability, two membranes with two capabilities each, and two re-exports of each membrane.
    expect(await sweepAll(at)).toBe(11);
    expect(await rows(at)).toEqual(before);
    expect(await at.has(kept)).toBe(true);
    await at.membrane("a");
  });

  test("a revoke removes what would expire later, and its row with it", async () => {
    await using at = await open();
    const before = await rows(at);
    const membrane = await at.membrane("membrane");
    await at.reexport(membrane.export, membrane, until(EXPIRY));
    expect(await at.store.revoke(membrane.record.uid, "operator")).toEqual(ok(undefined));
    await sweepAll(at);
    expect((await rows(at))["sweep"]).toBe(before["sweep"]);
  });

  test("what expires gives its bytes and its place in the count back when it is swept", async () => {
    await using at = await open();
    const membrane = await at.membrane("membrane");
    const { uid } = membrane.record;
    const quota = { owner: uid, kind: "capabilities" } as const;
    const counted = () =>
      at.readSnapshot({ uids: [uid], quotas: [quota] }, ({ countOwned, storedBytes }) => [
        countOwned(quota),
        storedBytes(uid),
      ]);
    const before = await counted();
    await at.reexport(membrane.export, membrane, until(EXPIRY));
    expect(await counted()).not.toEqual(before);
    at.clock.now = EXPIRY + RETENTION_MS + 1;
    await sweepAll(at);
    expect(await counted()).toEqual(before);
  });
});
