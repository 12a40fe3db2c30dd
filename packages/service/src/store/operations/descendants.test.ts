import { describe, expect, test } from "vitest";
import { ENGINE_NAMES } from "../../../../testkit/src/engines.ts";
import type { TestStore } from "../../../../testkit/src/store.ts";
import { openTestStore } from "../../../../testkit/src/store.ts";
import { MAX_DEPENDENTS } from "./descendants.ts";

/** A time at which the capabilities that end are alive. */
const BEFORE = Date.UTC(2026, 0);
const END = BEFORE + 1_000;

/** A chain of a delegated `create`, the membrane that it made, and what went through that, together with what is not below it. */
async function grow(made: TestStore) {
  const [lending, other] = [await made.membrane("lending"), await made.membrane("other")];
  const lent = await made.reexport(made.create, lending);
  const inner = await made.membrane("inner", lent);
  const exported = await made.reexport(made.create, inner);
  await made.reexport(exported, other);
  await made.reexport(made.create, other);
  // It works after a revoke of `inner`, and not after one of what `inner` descends from.
  await made.reexport(inner.revoke, other);
  // It depends on its membrane in two ways.
  await made.reexport(lending.revoke, lending);
  return { lending, inner, other };
}

describe.each(ENGINE_NAMES)("%s", (engine) => {
  test("what would end with a membrane or a tenant is counted once, however it descends, and nothing else", async () => {
    await using made = await openTestStore({}, engine);
    const { lending, inner, other } = await grow(made);
    const counted = (uid: Parameters<TestStore["store"]["descendants"]>[0]) => made.store.descendants(uid);
    expect(await counted(lending.record.uid)).toEqual({
      capabilities: 5,
      membranes: 1,
      tenants: 0,
      isComplete: true,
    });
    expect(await counted(inner.record.uid)).toMatchObject({ capabilities: 2, membranes: 0 });
    expect(await counted(other.record.uid)).toMatchObject({ capabilities: 3, membranes: 0 });
    expect(await counted(made.tenant.uid)).toMatchObject({ capabilities: 6, membranes: 3, tenants: 0 });
  });

  test("what is dead already is not counted, whether it is swept or not", async () => {
    let now = BEFORE;
    await using made = await openTestStore({}, engine, () => now);
    const { lending, inner } = await grow(made);
    await made.reexport(made.create, lending, { own: { createdAt: BEFORE, limits: { expiresAt: END } } });
    await made.store.revoke(inner.record.uid, "operator");
    expect(await made.store.descendants(lending.record.uid)).toMatchObject({ capabilities: 3, membranes: 0 });
    expect(await made.store.descendants(made.tenant.uid)).toMatchObject({ membranes: 2 });
    now = END;
    expect(await made.store.descendants(lending.record.uid)).toMatchObject({ capabilities: 2, membranes: 0 });
    for (let more = true; more;) ({ more } = await made.store.sweep(10));
    expect(await made.store.descendants(lending.record.uid)).toMatchObject({ capabilities: 2, membranes: 0 });
  });

  test("a count is complete up to a thousand dependents of one record, and says when it is not", async () => {
    await using made = await openTestStore({}, engine);
    const membrane = await made.membrane("wide");
    // Its own `export` is the first of its dependents.
    const capabilities = MAX_DEPENDENTS - 1;
    for (let at = 0; at < capabilities; at += 1) await made.reexport(made.create, membrane);
    const count = () => made.store.descendants(membrane.record.uid);
    expect(await count()).toEqual({ capabilities, membranes: 0, tenants: 0, isComplete: true });
    await made.reexport(made.create, membrane);
    expect(await count()).toMatchObject({ isComplete: false });
  });
});
