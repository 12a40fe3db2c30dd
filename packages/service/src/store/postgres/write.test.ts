import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import { useConnection } from "../../../../testkit/src/postgres-engine.ts";
import type { PostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import {
  capabilityThrough,
  makeCounters,
  openPostgresStore,
} from "../../../../testkit/src/postgres-nodes.ts";
import type { Uid } from "../../domain/uid.ts";
import { DEFAULT_LIMITS } from "../../service-limits.ts";
import type { Change } from "../engine.ts";
import { creationRequest, decideCreation } from "../operations/create.ts";
import { decideRevocation, revocationRequest } from "../operations/revoke.ts";
import type { StoredCapability, StoredRecord } from "../record.ts";
import { createVerifiedRecords } from "../verified-records.ts";
import { NO_OWNER } from "../write-owner.ts";
import type { GroupWrite } from "./group-decisions.ts";
import type { WrittenGroup } from "./write.ts";
import { writeGroup } from "./write.ts";

function creation(records: readonly StoredRecord[]): GroupWrite<unknown> {
  return {
    request: { ...creationRequest({ records }), owner: NO_OWNER },
    decide: (snapshot) => decideCreation(snapshot, { records }, DEFAULT_LIMITS, Date.now()),
    hasLeft: false,
  };
}

function revocation(root: Uid): GroupWrite<unknown> {
  const revoked = { root, actor: "operator" } as const;
  return {
    request: { ...revocationRequest(revoked), owner: NO_OWNER },
    decide: (snapshot) => decideRevocation(snapshot, revoked, Date.now()),
    hasLeft: false,
  };
}

/** Writes in one group. */
async function write<T>(
  { at, config }: PostgresStore,
  writes: readonly GroupWrite<T>[],
): Promise<WrittenGroup<T>> {
  return useConnection(config, (connection) =>
    writeGroup(connection, "create", writes, {
      keys: at.keys,
      verified: createVerifiedRecords(at.keys),
      onTooNew: () => undefined,
    }),
  );
}

/** What was decided, in the order of the writes. */
async function results(store: PostgresStore, writes: readonly GroupWrite<unknown>[]): Promise<unknown[]> {
  const { outcomes } = await write(store, writes);
  return writes.map((one) => {
    const outcome = outcomes.get(one);
    return outcome?.type === "decided" ? outcome.result : outcome;
  });
}

test("a revoke of what was read before is decided once", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const { record } = await at.membrane("m");
  for (const root of [record, at.tenant]) {
    let decisions = 0;
    const revoked = { root: root.uid, actor: "operator" } as const;
    const revoke: GroupWrite<unknown> = {
      request: { ...revocationRequest(revoked, root), owner: NO_OWNER },
      decide(snapshot) {
        decisions += 1;
        return decideRevocation(snapshot, revoked, Date.now());
      },
      hasLeft: false,
    };
    expect(await results(store, [revoke])).toEqual([ok(undefined)]);
    expect(decisions).toBe(1);
  }
});

test("a creation below a membrane that a write before it in its group revokes is denied, and one before the revoke dies with it", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const membrane = await at.membrane("m");
  const [before, after] = [capabilityThrough(store, membrane), capabilityThrough(store, membrane)];
  const writes = [creation([before]), revocation(membrane.record.uid), creation([after])];
  expect(await results(store, writes)).toEqual([
    ok(undefined),
    ok(undefined),
    err({ reason: "lineage_dead" }),
  ]);
  expect([await at.has(before), await at.isAlive(before), await at.has(after)]).toEqual([true, false, false]);
});

test("a creation below what a write before it in its group creates is made, and a revoke in the same group ends both", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const like = await at.membrane("like");
  const made = { ...like, record: { ...like.record, uid: at.newUid(), name: "made" } };
  const below = capabilityThrough(store, made);
  expect(await results(store, [creation([made.record]), creation([below])])).toEqual([
    ok(undefined),
    ok(undefined),
  ]);
  expect(await at.isAlive(below)).toBe(true);
  const short = { ...like, record: { ...like.record, uid: at.newUid(), name: "short" } };
  const lost = capabilityThrough(store, short);
  const group = [creation([short.record]), creation([lost]), revocation(short.record.uid)];
  expect(await results(store, group)).toEqual([ok(undefined), ok(undefined), ok(undefined)]);
  expect([await at.has(lost), await at.isAlive(lost)]).toEqual([true, false]);
});

test("a name that is given back in a group is taken in the same group, and counts once, also where the count has to be made", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const first = await at.membrane("m");
  await at.membrane("other");
  await at.dropCounts();
  const next = { ...first.record, uid: at.newUid() };
  const group = [
    revocation(first.record.uid),
    creation([next]),
    creation([{ ...next, uid: at.newUid(), name: "n" }]),
  ];
  expect(await results(store, group)).toEqual([ok(undefined), ok(undefined), ok(undefined)]);
  const { membranes } = await at.store.membranes(at.tenant.uid, { limit: 9 });
  expect(membranes.map(({ name }) => name)).toEqual(["m", "n", "other"]);
  expect(await at.store.membranes(at.tenant.uid, { limit: 9, id: "m" })).toMatchObject({
    membranes: [{ uid: next.uid }],
  });
  const quota = { owner: at.tenant.uid, kind: "membranes" } as const;
  const count = () => at.readSnapshot({ quotas: [quota] }, ({ countOwned }) => countOwned(quota));
  expect(await count()).toBe(3);
});

test("a row that one write of a group removes and another inserts is there, and the reverse is not", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const [kept, gone] = [
    capabilityThrough(store, await at.membrane("m")),
    capabilityThrough(store, await at.membrane("n")),
  ];
  await at.store.create([kept]);
  const change = (single: Change): GroupWrite<undefined> => ({
    request: {
      class: "create",
      owner: NO_OWNER,
      size: { records: 1, sealedBytes: 0 },
      uids: [kept.uid, gone.uid],
    },
    decide: () => ({ result: undefined, changes: [single] }),
    hasLeft: false,
  });
  const insert = (record: StoredCapability) => change({ type: "insert", record });
  const remove = (record: StoredCapability) => change({ type: "remove", record });
  await write(store, [remove(kept), insert(kept), insert(gone), remove(gone)]);
  expect([await at.isAlive(kept), await at.has(gone)]).toEqual([true, false]);
  const tables = ["record WHERE uid", "lookup WHERE uid", "child WHERE child"];
  for (const table of tables)
    expect(await store.query(`SELECT FROM membrane.${table} = $1`, [gone.uid])).toEqual([]);
});

test("a write whose time is over is left out when its group is repeated", async () => {
  await using store = await openPostgresStore();
  const [a, b] = await makeCounters(store.at, [9, 9]);
  const decided: string[] = [];
  const use = (name: string, uid: Uid) => ({
    request: { class: "create", owner: NO_OWNER, size: { records: 0, sealedBytes: 0 } } as const,
    decide() {
      decided.push(name);
      // As if its time were over during the first attempt, in which nothing is locked.
      leaving.hasLeft = true;
      const changes: Change[] = [{ type: "putUses", uid, count: { window: 0, uses: 7 } }];
      return { result: name, changes };
    },
    hasLeft: false,
  });
  const [leaving, staying] = [use("leaving", a!.uid), use("staying", b!.uid)];
  const { outcomes } = await write(store, [leaving, staying]);
  expect(decided).toEqual(["leaving", "staying", "staying"]);
  expect([...outcomes.keys()]).toEqual([staying]);
  const node = await store.openNode();
  const uses = [a!.uid, b!.uid];
  expect(await node.engine.read({ uses }, (snapshot) => uses.map((uid) => snapshot.uses(uid)?.uses))).toEqual(
    [0, 7],
  );
});
