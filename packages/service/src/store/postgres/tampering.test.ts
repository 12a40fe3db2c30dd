import { ok } from "capability-protocol";
import { expect, test } from "vitest";
import type { PostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import { openPostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import type { TableName } from "../../../../testkit/src/raw-store.ts";
import { uidBytes } from "../../domain/uid.ts";
import { nameKey } from "../codec/row-keys.ts";
import type { StoredCapability } from "../record.ts";
import { StoreCorruptError } from "../store.ts";

/** A membrane, and a capability that was delegated through it twice. */
async function open() {
  const store = await openPostgresStore();
  const { at } = store;
  const membrane = await at.membrane("m");
  const parent = await at.reexport(membrane.export, membrane);
  const leaf = await at.reexport(parent, membrane);
  return Object.assign(store, { membrane, parent, leaf });
}

/** Changes one bit of a row, and returns a function that undoes it. */
async function flip(
  { at }: PostgresStore,
  table: TableName,
  key: Buffer,
  bit: number,
): Promise<() => Promise<void>> {
  await using raw = await at.openRaw();
  const row = (await raw.rows(table)).find((one) => one.key.equals(key))!;
  const changed = Buffer.from(row.value);
  changed[bit % changed.length]! ^= 1 << (bit % 8);
  await raw.write(table, key, changed);
  return async () => {
    await using again = await at.openRaw();
    await again.write(table, key, row.value);
  };
}

const find = ({ at }: PostgresStore, { lookupId }: StoredCapability) => at.store.find(lookupId);

test("one bit in any row of a lineage, and what depends on it works no more, until the bit is as before", async () => {
  await using store = await open();
  const { at, membrane, parent, leaf } = store;
  const rows: [TableName, Buffer][] = [
    ["lookups", leaf.lookupId],
    ...[leaf, parent, membrane.record, membrane.export, at.create, at.tenant].map(
      ({ uid }): [TableName, Buffer] => ["nodes", uidBytes(uid)],
    ),
  ];
  for (const [table, key] of rows) {
    for (const bit of [0, 5, 47, -1]) {
      const undo = await flip(store, table, key, bit === -1 ? 1_000_003 : bit);
      await expect(find(store, leaf)).rejects.toThrow(StoreCorruptError);
      await undo();
      expect((await find(store, leaf))?.verdict.ok).toBe(true);
    }
  }
});

test("a row that was moved to another key, or swapped with another, does not read", async () => {
  await using store = await open();
  const { membrane, parent, leaf, query } = store;
  const swap = (table: string, column: string, a: string, b: string) =>
    query(
      `UPDATE membrane.${table} t SET body = o.body FROM membrane.${table} o
       WHERE t.${column} IN ('${a}', '${b}') AND o.${column} IN ('${a}', '${b}') AND t.${column} <> o.${column}`,
    );
  await swap("record", "uid", parent.uid, leaf.uid);
  await expect(find(store, leaf)).rejects.toThrow(StoreCorruptError);
  await swap("record", "uid", parent.uid, leaf.uid);
  expect((await find(store, leaf))?.verdict.ok).toBe(true);
  // The token of one capability is to lead to another one, with more rights.
  await query("UPDATE membrane.lookup SET uid = $1 WHERE lookup_id = $2", [
    membrane.revoke.uid,
    leaf.lookupId,
  ]);
  await expect(find(store, leaf)).rejects.toThrow(StoreCorruptError);
  await query(
    "UPDATE membrane.lookup t SET body = o.body FROM membrane.lookup o WHERE t.lookup_id = $1 AND o.lookup_id = $2",
    [leaf.lookupId, membrane.revoke.lookupId],
  );
  await expect(find(store, leaf)).rejects.toThrow(StoreCorruptError);
});

test("a clear column that leads to less than its row does is noticed: nothing works without all that it depends on", async () => {
  await using store = await open();
  const { leaf, query } = store;
  await query("UPDATE membrane.record SET depends_on = '{}' WHERE uid = $1", [leaf.uid]);
  await expect(find(store, leaf)).rejects.toThrow(StoreCorruptError);
});

test("a revoke takes the name that it releases from the row, not from its clear column", async () => {
  await using store = await open();
  const { at, membrane, leaf, query } = store;
  await query("UPDATE membrane.record SET name = NULL WHERE uid = $1", [membrane.record.uid]);
  expect(await at.store.revoke(membrane.record.uid, "operator")).toEqual(ok(undefined));
  expect((await find(store, leaf))?.verdict.ok).toBe(false);
  expect(await query("SELECT FROM membrane.name WHERE holder = $1", [membrane.record.uid])).toEqual([]);
});

test("a membrane that is found by a name is the one that has it", async () => {
  await using store = await open();
  const { at, query } = store;
  const other = await at.membrane("other");
  const page = (id: string) => at.store.membranes(at.tenant.uid, { id, limit: 1 });
  expect((await page("m")).membranes).toHaveLength(1);
  await query("UPDATE membrane.name SET holder = $1 WHERE name = 'm'", [other.record.uid]);
  await expect(page("m")).rejects.toThrow(StoreCorruptError);
  await flip(store, "names", nameKey({ owner: at.tenant.uid, name: "other" }), 5);
  await expect(page("other")).rejects.toThrow(StoreCorruptError);
  await expect(at.store.membranes(at.tenant.uid, { limit: 9 })).rejects.toThrow(StoreCorruptError);
});

test("an entry of the sweep's queue that was changed or added removes nothing", async () => {
  await using store = await open();
  const { at, membrane, leaf, query } = store;
  await query("INSERT INTO membrane.sweep VALUES ($1, false, '\\x00')", [membrane.record.uid]);
  await expect(at.store.sweep(8)).rejects.toThrow(StoreCorruptError);
  await query("DELETE FROM membrane.sweep");
  const other = await at.membrane("other");
  await at.store.revoke(other.record.uid, "operator");
  // A root keeps its own `revoke` capabilities, which another entry does not.
  await query("UPDATE membrane.sweep SET is_root = false");
  await expect(at.store.sweep(8)).rejects.toThrow(StoreCorruptError);
  await query("UPDATE membrane.sweep SET is_root = true");
  // What is to be removed with it is named by a separate row.
  await query("UPDATE membrane.child SET uid = $1 WHERE uid = $2", [other.record.uid, membrane.record.uid]);
  await expect(at.store.sweep(64)).rejects.toThrow(StoreCorruptError);
  expect((await find(store, leaf))?.verdict.ok).toBe(true);
});

test("a count that was changed is made anew, and stops neither a creation nor a revoke", async () => {
  await using store = await open();
  const { at, membrane } = store;
  const { uid } = membrane.record;
  const request = { uids: [uid, at.tenant.uid], quotas: [{ owner: uid, kind: "capabilities" }] as const };
  const counts = () =>
    at.readSnapshot(request, ({ countOwned, storedBytes }) => [
      countOwned(request.quotas[0]),
      ...request.uids.map(storedBytes),
    ]);
  const before = await counts();
  await store.query("UPDATE membrane.count SET body = '\\x00'");
  expect(await counts()).toEqual(before);
  await at.reexport(at.create, membrane);
  expect((await counts())[0]).toBe(before[0]! + 1);
  await store.query("UPDATE membrane.count SET body = '\\x00'");
  await at.store.revoke(uid, "operator");
});
