import { randomBytes } from "node:crypto";
import { err, ok } from "capability-protocol";
import { describe, expect, test } from "vitest";
import { ENGINE_NAMES } from "../../../../testkit/src/engines.ts";
import type { TestStore } from "../../../../testkit/src/store.ts";
import { openTestStore } from "../../../../testkit/src/store.ts";
import { newUid } from "../../domain/uid.ts";
import type { UseCounter } from "../../domain/use-counter.ts";
import type { StoredCapability } from "../record.ts";
import { StoreCorruptError } from "../store.ts";
import { NO_OWNER } from "../write-owner.ts";
import { usesKey } from "../codec/row-keys.ts";

const NOW = 1_000_000;
const USED_UP = err({ reason: "used_up" });
const DONE = ok(undefined);

/** Makes a capability of the first tenant that counts its uses. */
async function counted(
  at: TestStore,
  maxUses: number,
): Promise<UseCounter & { readonly record: StoredCapability }> {
  const record = await at.capability({ kind: "create", resource: at.tenant.uid }, { isCounted: true });
  return { record, uid: record.uid, maxUses, createdAt: NOW };
}

const use = ({ store }: TestStore, ...counters: readonly UseCounter[]) => store.countUse(counters, NO_OWNER);

/** @returns how many uses were left. */
async function useUp(at: TestStore, ...counters: readonly UseCounter[]): Promise<number> {
  for (let uses = 0; uses < 1_000; uses += 1) if (!(await use(at, ...counters)).ok) return uses;
  throw new Error("it is never used up");
}

describe.each(ENGINE_NAMES)("over %s", (engine) => {
  const open = () => openTestStore({}, engine);

  test("of 200 uses at once exactly as many are counted as there may be, and all of them are on disk", async () => {
    await using at = await open();
    const once = await counted(at, 77);
    const results = await Promise.all(Array.from({ length: 200 }, () => use(at, once)));
    expect(results.filter((result) => result.ok)).toHaveLength(77);
    expect(results.filter((result) => !result.ok)).toEqual(Array.from({ length: 123 }, () => USED_UP));
    await at.reopen();
    expect(await use(at, once)).toEqual(USED_UP);
  });

  test("two capabilities that share a parent's counter can together be used as often as it allows", async () => {
    await using at = await open();
    const [parent, first, second] = [await counted(at, 10), await counted(at, 8), await counted(at, 8)];
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => use(at, i % 2 === 0 ? first : second, parent)),
    );
    expect(results.filter((result) => result.ok)).toHaveLength(10);
    // What the parent refused was not counted on the children.
    const left = (await useUp(at, first)) + (await useUp(at, second));
    expect(left).toBe(6);
  });

  test("a use that one of several counters refuses is counted on none", async () => {
    await using at = await open();
    const [open_, closed] = [await counted(at, 3), await counted(at, 1)];
    expect(await use(at, closed)).toEqual(DONE);
    for (let i = 0; i < 5; i += 1) expect(await use(at, open_, closed)).toEqual(USED_UP);
    expect(await useUp(at, open_)).toBe(3);
  });

  test("a check has the result that a use would have, and counts nothing", async () => {
    await using at = await open();
    const once = await counted(at, 1);
    const check = () => at.store.checkUse([once]);
    for (let i = 0; i < 3; i += 1) expect(await check()).toEqual(DONE);
    expect(await use(at, once)).toEqual(DONE);
    expect(await check()).toEqual(USED_UP);
  });

  test("a capability that counts its uses and was not made so, or was removed, has none", async () => {
    await using at = await open();
    const { tenant } = at;
    const never = await at.capability({ kind: "create", resource: tenant.uid });
    expect(await use(at, { uid: never.uid, maxUses: 5, createdAt: NOW })).toEqual(USED_UP);
  });

  test("what is created with a use is created only if the use is counted, and a denied creation is not counted", async () => {
    await using at = await open();
    const once = await counted(at, 2);
    const copy = (): StoredCapability => ({
      ...at.create,
      uid: newUid(randomBytes),
      lookupId: randomBytes(32),
    });
    const useCounters = [once];
    const dead = { ...copy(), resource: newUid(randomBytes) };
    for (let i = 0; i < 3; i += 1)
      expect(await at.store.create([dead], { useCounters })).toEqual(err({ reason: "lineage_dead" }));
    const [first, late] = [copy(), copy()];
    expect(await at.store.create([first], { useCounters })).toEqual(DONE);
    expect(await at.store.create([], { useCounters })).toEqual(DONE);
    expect(await at.store.create([late], { useCounters })).toEqual(USED_UP);
    expect(await at.has(first)).toBe(true);
    expect(await at.has(late)).toBe(false);
  });

  test("creations and uses at once: each use is counted in one of them", async () => {
    await using at = await open();
    const shared = await counted(at, 30);
    const useCounters = [shared];
    const results = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        i % 2 === 0 ? use(at, shared) : at.store.create([], { useCounters }),
      ),
    );
    expect(results.filter((result) => result.ok)).toHaveLength(30);
  });

  test("a sweep removes the counter of what it removes, and no other", async () => {
    await using at = await open();
    const membrane = await at.membrane("revoked");
    const rights = { kind: "create", resource: at.tenant.uid } as const;
    const gone = await at.capability({ ...rights, createdBy: membrane.export.uid }, { isCounted: true });
    const kept = await counted(at, 1);
    const counters = async (): Promise<string[]> => {
      await using raw = await at.openRaw();
      const keys = (await raw.rows("counts")).map(({ key }) => key);
      return keys
        .filter((key) => key.length === 17 && key[16] === 3)
        .map((key) => key.toString("hex", 0, 16));
    };
    expect((await counters()).toSorted()).toEqual([gone.uid, kept.uid].toSorted());
    await at.store.revoke(membrane.record.uid, membrane.revoke.uid);
    while ((await at.store.sweep(8)).more);
    expect(await counters()).toEqual([kept.uid]);
    // A use that is counted later does not bring it back.
    expect(await use(at, { uid: gone.uid, maxUses: 1, createdAt: NOW })).toEqual(USED_UP);
    expect(await counters()).toEqual([kept.uid]);
  });

  test("a counter that was changed in the store admits nothing, and neither does one that was removed there", async () => {
    await using at = await open();
    const [changed, removed] = [await counted(at, 9), await counted(at, 9)];
    await use(at, changed, removed);
    await using raw = await at.openRaw();
    const key = usesKey(changed.uid);
    const row = (await raw.rows("counts")).find((one) => one.key.equals(key))!;
    const value = Buffer.from(row.value);
    value[value.length - 33]! ^= 1;
    await raw.write("counts", key, value);
    await raw.write("counts", usesKey(removed.uid), undefined);
    await expect(use(at, changed)).rejects.toThrow(StoreCorruptError);
    expect(await use(at, removed)).toEqual(USED_UP);
  });
});
