import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { ENGINE_NAMES } from "../../../../testkit/src/engines.ts";
import type { TestStore } from "../../../../testkit/src/store.ts";
import { openTestStore } from "../../../../testkit/src/store.ts";
import type { StoredCapability } from "../record.ts";
import { NO_OWNER } from "../write-owner.ts";

const replacement = () => ({ lookupId: randomBytes(32), sealed: randomBytes(28) });

const rekey = ({ store }: TestStore, from: StoredCapability, to = replacement()) =>
  store.rekeyCapability(from, to, NO_OWNER);

test.each(ENGINE_NAMES)(
  "a rekeyed capability is found by its new lookup id alone, with all that belongs to it, over %s",
  async (engine) => {
    await using at = await openTestStore({}, engine);
    const membrane = await at.membrane("m");
    const below = await at.reexport(membrane.export, membrane);
    const before = await at.readSnapshot({ uids: [at.tenant.uid] }, (snapshot) =>
      snapshot.storedBytes(at.tenant.uid),
    );
    const to = replacement();
    expect(await rekey(at, membrane.export, to)).toBe(true);
    expect(await at.has(membrane.export)).toBe(false);
    const found = await at.store.find(randomBytes(32), to.lookupId, membrane.export.lookupId);
    expect(found).toMatchObject({ verdict: { ok: true }, capability: { ...membrane.export, ...to } });
    expect(await at.isAlive(below)).toBe(true);
    const after = await at.readSnapshot({ uids: [at.tenant.uid] }, (snapshot) =>
      snapshot.storedBytes(at.tenant.uid),
    );
    expect(after).toBe(before);
    // It ends as before.
    await at.store.revoke(membrane.record.uid, "operator");
    expect(await at.isAlive(below)).toBe(false);
    for (let more = true; more;) ({ more } = await at.store.sweep(100));
    expect(await at.store.find(to.lookupId)).toBeUndefined();
  },
);

test.each(ENGINE_NAMES)(
  "of many rekeyings of a capability at once one takes effect, and none of a dead one, over %s",
  async (engine) => {
    await using at = await openTestStore({}, engine);
    const membrane = await at.membrane("m");
    const all = Array.from({ length: 8 }, replacement);
    const done = await Promise.all(all.map((to) => rekey(at, membrane.export, to)));
    expect(done.filter(Boolean)).toHaveLength(1);
    const found = await Promise.all(all.map(async ({ lookupId }) => at.store.find(lookupId)));
    expect(found.map((one) => one !== undefined)).toEqual(done);

    const other = await at.membrane("n");
    await at.store.revoke(other.record.uid, "operator");
    expect(await rekey(at, other.export)).toBe(false);
    expect(await at.has(other.export)).toBe(true);
    expect(await at.isAlive(other.export)).toBe(false);
    // Its record has changed since it was read.
    expect(await rekey(at, { ...at.create, sealed: randomBytes(28) })).toBe(false);
    expect(await at.isAlive(at.create)).toBe(true);
  },
);

test.each(ENGINE_NAMES)(
  "of the lookup ids of a token the first that is there counts, over %s",
  async (engine) => {
    await using at = await openTestStore({}, engine);
    const { export: one, revoke: two } = await at.membrane("m");
    expect((await at.store.find(one.lookupId, two.lookupId))?.capability.uid).toBe(one.uid);
    expect((await at.store.find(two.lookupId, one.lookupId))?.capability.uid).toBe(two.uid);
    expect(await at.store.find(randomBytes(32), randomBytes(32))).toBeUndefined();
    expect(await at.store.find()).toBeUndefined();
  },
);
