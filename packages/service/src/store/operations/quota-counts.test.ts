import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ENGINE_NAMES } from "../../../../testkit/src/engines.ts";
import type { Quotas } from "../../domain/creation.ts";
import type { Quota } from "../../domain/quota.ts";
import { quotasOf, SERVICE_OWNER } from "../../domain/quota.ts";
import type { TestMembrane, TestStore } from "../../../../testkit/src/store.ts";
import { openTestStore } from "../../../../testkit/src/store.ts";
import type { WriteSnapshot } from "../engine.ts";
import type { StoredCapability } from "../record.ts";

/** How many times `create` works before it is denied since something is full. */
async function roomFor(create: (number: number) => Promise<unknown>): Promise<number> {
  for (let count = 0; count < 100; count += 1) {
    try {
      await create(count);
    } catch (error) {
      expect(error).toMatchObject({ message: "not made: full" });
      return count;
    }
  }
  throw new Error("nothing is ever full");
}

const roomIn = (at: TestStore, membrane: TestMembrane): Promise<number> =>
  roomFor(() => at.reexport(at.create, membrane));

async function sweepAll({ store }: TestStore): Promise<void> {
  for (let batch = 0; batch < 1_000; batch += 1) if (!(await store.sweep(3)).more) return;
  throw new Error("the sweep does not end");
}

interface Step {
  readonly act: number;
  readonly a: number;
  readonly b: number;
}

const STEPS: fc.Arbitrary<Step[]> = fc.array(fc.record({ act: fc.nat(4), a: fc.nat(100), b: fc.nat(100) }), {
  maxLength: 30,
});

/** Makes membranes and capabilities, revokes and sweeps. @returns all membranes that were made. */
async function play(at: TestStore, steps: readonly Step[]): Promise<readonly TestMembrane[]> {
  const membranes: TestMembrane[] = [];
  const creating: StoredCapability[] = [at.create];
  const held: StoredCapability[] = [at.create];
  for (const [index, { act, a, b }] of steps.entries()) {
    const membrane = membranes[a % membranes.length];
    const capability = held[b % held.length] ?? at.create;
    try {
      if (membrane === undefined || act === 0) {
        const made = await at.membrane(`m${index % 9}`, creating[b % creating.length]);
        membranes.push(made);
        // A `revoke` points to its membrane in another way than all else does.
        held.push(made.revoke, made.export);
      } else if (act < 3) {
        const made = await at.reexport(capability, membrane);
        held.push(made);
        if (made.kind === "create") creating.push(made);
      } else if (act === 3) await at.store.revoke(membrane.record.uid, membrane.revoke.uid);
      else await at.store.sweep(2);
    } catch (error) {
      expect(error).toMatchObject({ message: expect.stringMatching(/lineage_dead|name_taken/) });
    }
  }
  return membranes;
}

describe.each(ENGINE_NAMES)("over %s", (engine) => {
  const open = (limits: Partial<Quotas> = {}) => openTestStore(limits, engine);

  test("a membrane accepts as many capabilities as it may, across a reopening, and others still accept more", async () => {
    await using at = await open({ maxCapabilitiesPerMembrane: 4 });
    const [full, other] = [await at.membrane("full"), await at.membrane("other")];
    await at.reexport(at.create, full);
    await at.reopen();
    expect(await roomIn(at, full)).toBe(3);
    await at.reopen();
    expect(await roomIn(at, full)).toBe(0);
    expect(await roomIn(at, other)).toBe(4);
  });

  test("what dies in a membrane makes room in it once it is swept", async () => {
    await using at = await open({ maxCapabilitiesPerMembrane: 4 });
    const [above, full] = [await at.membrane("above"), await at.membrane("full")];
    const parent = await at.reexport(at.create, above);
    for (let i = 0; i < 3; i += 1) await at.reexport(parent, full);
    expect(await roomIn(at, full)).toBe(1);
    await at.store.revoke(above.record.uid, above.revoke.uid);
    expect(await roomIn(at, full)).toBe(0);
    await sweepAll(at);
    expect(await roomIn(at, full)).toBe(3);
  });

  test("a tenant has as many membranes as it may; a revoked one makes room at once, one that died when it is swept", async () => {
    await using at = await open({ maxMembranesPerTenant: 4 });
    const [first, above] = [await at.membrane("first"), await at.membrane("above")];
    const delegated = await at.reexport(at.create, above);
    await at.membrane("below", delegated);
    const room = (round: string): Promise<number> => roomFor((number) => at.membrane(`${round} ${number}`));
    expect(await room("a")).toBe(1);
    await at.store.revoke(first.record.uid, first.revoke.uid);
    await at.store.revoke(first.record.uid, first.revoke.uid);
    expect(await room("b")).toBe(1);
    await at.store.revoke(above.record.uid, above.revoke.uid);
    expect(await room("c")).toBe(1);
    await sweepAll(at);
    expect(await room("d")).toBe(1);
  });

  test("a membrane that takes the name of a dead one takes its place too", async () => {
    await using at = await open({ maxMembranesPerTenant: 3 });
    const above = await at.membrane("above");
    await at.membrane("name", await at.reexport(at.create, above));
    await at.store.revoke(above.record.uid, above.revoke.uid);
    await at.membrane("name");
    await sweepAll(at);
    expect(await roomFor((number) => at.membrane(`n${number}`))).toBe(2);
  });

  test("a count whose row is gone is counted anew, and is what it was, whatever was made, revoked and swept before", async () => {
    const property = fc.asyncProperty(STEPS, async (steps) => {
      await using at = await open();
      const membranes = await play(at, steps);
      const owners = [at.tenant, ...membranes.map(({ record }) => record)];
      const quotas: Quota[] = [{ owner: SERVICE_OWNER, kind: "tenants" }, ...owners.flatMap(quotasOf)];
      const count = (snapshot: WriteSnapshot) => [
        ...quotas.map(snapshot.countOwned),
        ...owners.map(({ uid }) => snapshot.storedBytes(uid)),
      ];
      const request = { uids: owners.map(({ uid }) => uid), quotas };
      const kept = await at.readSnapshot(request, count);
      await at.dropCounts();
      const counted = await at.readSnapshot(request, count);
      expect(counted).toEqual(kept);
    });
    await fc.assert(property, { numRuns: 40 });
  });

  test("no count is left of a full membrane that is revoked, nor of a tenant", async () => {
    await using at = await open();
    await using raw = await at.openRaw();
    const deleteSelf = await at.capability({ kind: "deleteSelf", resource: at.tenant.uid });
    const membrane = await at.membrane("m");
    await at.reexport(at.create, membrane);
    await at.reexport(at.create, await at.membrane("other"));
    // What is counted against the service stays; a tenant has a row for its membranes, one for its own capabilities and one for
    // the bytes of both, a membrane one for its capabilities and one for their bytes.
    const counts = async (): Promise<number> => (await raw.rows("counts")).length;
    expect(await counts()).toBe(8);
    await at.store.revoke(membrane.record.uid, membrane.revoke.uid);
    await sweepAll(at);
    expect(await counts()).toBe(6);
    await at.store.revoke(at.tenant.uid, deleteSelf.uid);
    await sweepAll(at);
    expect(await counts()).toBe(1);
  });
});
