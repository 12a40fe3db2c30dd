import { ok } from "capability-protocol";
import { expect, test } from "vitest";
import { capabilityThrough, openPostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import { DEFAULT_LIMITS } from "../../service-limits.ts";
import { creationRequest, decideCreation } from "../operations/create.ts";
import { StoreCorruptError } from "../store.ts";
import { NO_OWNER } from "../write-owner.ts";

test("an owner with more records than are in memory at a time is counted whole, and so are its bytes", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const membrane = await at.membrane("m");
  const records = Array.from({ length: 2_100 }, () => capabilityThrough(store, membrane));
  // So large a write takes longer than the store of the test lets one take.
  const { store: patient } = await store.openNode();
  expect(await patient.create(records)).toEqual(ok(undefined));
  const quota = { owner: membrane.record.uid, kind: "capabilities" } as const;
  const request = { uids: [quota.owner, at.tenant.uid], quotas: [quota] };
  const counted = () =>
    at.readSnapshot(request, ({ countOwned, storedBytes }) => [
      countOwned(quota),
      ...request.uids.map((uid) => storedBytes(uid)),
    ]);
  const kept = await counted();
  expect(kept[0]).toBe(2_100);
  await at.dropCounts();
  const made = await counted();
  expect(made[0]).toBe(2_100);
  // Bytes are made from samples, in which nearly all records are alike.
  for (const index of [1, 2]) expect(made[index]! / kept[index]!).toBeCloseTo(1, 2);
});

test("a damaged row fails the writes that need a count that is made from it, and no other write of their group", async () => {
  await using store = await openPostgresStore();
  const { at, query } = store;
  const node = await store.openNode();
  const [damaged, sound] = [await at.membrane("damaged"), await at.membrane("sound")];
  const below = await at.reexport(at.create, damaged);
  await query(
    "UPDATE membrane.child SET body = set_byte(body, 0, 255 - get_byte(body, 0)) WHERE child = $1",
    [below.uid],
  );
  await query("DELETE FROM membrane.count WHERE uid = ANY ($1::uuid[])", [
    `{${damaged.record.uid},${sound.record.uid}}`,
  ]);
  const results = await Promise.allSettled(
    [damaged, sound, damaged, sound].map((membrane) => {
      const creation = { records: [capabilityThrough(store, membrane)] };
      return node.engine.write({ ...creationRequest(creation), owner: NO_OWNER }, (snapshot) =>
        decideCreation(snapshot, creation, DEFAULT_LIMITS, Date.now()),
      );
    }),
  );
  const failed = { reason: expect.any(StoreCorruptError) as unknown };
  expect(results).toMatchObject([failed, { value: ok(undefined) }, failed, { value: ok(undefined) }]);
});
