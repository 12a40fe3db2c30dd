import { expect, test } from "vitest";
import type { PostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import { openPostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import type { StoredCapability } from "../record.ts";
import { StoreCorruptError, StoreFormatError } from "../store.ts";
import { openConnection } from "./connection.ts";
import type { Row } from "./sql-values.ts";

/** The tables whose rows carry a MAC over their columns, or whose columns repeat what is under one. */
const AUTHENTICATED = [
  "audit",
  "child",
  "count",
  "expiry",
  "lookup",
  "meta",
  "name",
  "record",
  "sweep",
] as const;

/** What the database changes itself, and has no key for: the threat model says what an attacker can do there. */
const NOT_AUTHENTICATED = ["head", "lease", "lease_length", "log", "migration"] as const;

/** Other values of each type, given the value that is there. */
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  // Another one, and that of the membrane that is to be swept.
  uuid: ["gen_random_uuid()", "(SELECT uid FROM membrane.sweep LIMIT 1)"],
  "uuid[]": ["'{}'", "array_append(t.$, gen_random_uuid())"],
  bytea: [
    "''",
    "set_byte(t.$, 0, get_byte(t.$, 0) # 1)",
    "set_bit(t.$, 8 * length(t.$) - 1, 1 - get_bit(t.$, 8 * length(t.$) - 1))",
  ],
  boolean: ["NOT t.$"],
  smallint: ["t.$ + 1"],
  bigint: ["t.$ + 1", "0"],
  text: ["t.$ || 'x'"],
};

/** Where a writer of the audit trail is. */
const AUDIT_HEAD = {
  writer: "5e".repeat(16),
  sequence: 7,
  mac: Buffer.alloc(32, 1),
  time: 1_700_000_000_000,
  startedAt: 1_600_000_000_000,
};

interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
}

const COLUMNS = `
  SELECT c.relname AS table, a.attname AS name, format_type(a.atttypid, NULL) AS type
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  WHERE c.relnamespace = 'membrane'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY 1, 2`;

async function columnsOf({ query }: Pick<PostgresStore, "query">): Promise<Column[]> {
  const rows = await query(COLUMNS);
  return rows.map((row: Row) => ({
    table: String(row["table"]),
    name: String(row["name"]),
    type: String(row["type"]),
  }));
}

/** A store with every kind of row: what is alive, what is revoked and not swept, what expires, and what counts its uses. */
async function open() {
  const store = await openPostgresStore();
  const { at } = store;
  const [kept, gone] = [await at.membrane("kept"), await at.membrane("gone")];
  const limits = { expiresAt: Date.now() + 86_400_000 };
  const terms = { own: { createdAt: Date.now(), limits } };
  const alive: StoredCapability[] = [
    at.create,
    kept.export,
    kept.revoke,
    await at.reexport(kept.export, kept),
    await at.reexport(at.create, kept, terms),
    await at.capability({ kind: "create", resource: at.tenant.uid }, { isCounted: true }),
  ];
  const dead = [gone.export, await at.reexport(at.create, gone)];
  await at.store.revoke(gone.record.uid, "operator");
  await at.store.moveAuditHead(AUDIT_HEAD);
  // One connection for all statements.
  const connection = openConnection(store.config, 10_000);
  return {
    ...store,
    query: connection.query,
    kept,
    alive,
    dead,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** Returns what an operation gives, or that it is refused since the store was changed. */
async function outcome<T>(operation: Promise<T>): Promise<T | "corrupt"> {
  try {
    return await operation;
  } catch (error) {
    if (error instanceof StoreCorruptError || error instanceof StoreFormatError) return "corrupt";
    throw error;
  }
}

test("every table either has its columns under a MAC, or is one whose columns the threat model gives to an attacker", async () => {
  await using store = await openPostgresStore();
  const tables = new Set((await columnsOf(store)).map(({ table }) => table));
  expect([...tables]).toEqual(
    [...AUTHENTICATED, ...NOT_AUTHENTICATED].toSorted((a, b) => a.localeCompare(b)),
  );
});

test.each(AUTHENTICATED)(
  "whatever is put into a column of %s, nothing that is revoked works and nothing that lives is swept",
  async (table) => {
    await using store = await open();
    const columns = (await columnsOf(store)).filter((column) => column.table === table);
    const undo = await backUp(store);
    const before = await look(store);
    const [{ count } = {}] = await store.query(`SELECT count(*)::int AS count FROM membrane.${table}`);
    const rows = Array.from({ length: Number(count) }, (_, row) => row);
    const noticed = new Set<string>();
    for (const { name, type } of columns)
      for (const change of CHANGES[type] ?? []) {
        for (const row of rows) {
          await changeOne(store, table, name, change, row);
          if (await isNoticed(store, before, table, `${name} = ${change}`)) noticed.add(name);
          await undo();
        }
      }
    expect(columns.map(({ name }) => name).filter((name) => !noticed.has(name))).toEqual(
      UNNOTICED[table] ?? [],
    );
  },
);

/**
 * What is not noticed as long as nothing reads it: counts are made anew, a time is read when it is over, and a name is taken from the
 * body.
 */
const UNNOTICED: Readonly<Record<string, readonly string[]>> = {
  count: ["body", "kind", "uid"],
  expiry: ["body", "uid"],
  record: ["name", "name_owner"],
};

type OpenedStore = Awaited<ReturnType<typeof open>>;

/** Copies all rows. @returns what puts them back. */
async function backUp({ query }: OpenedStore): Promise<() => Promise<unknown>> {
  const inEach = (statement: (table: string) => string) =>
    query(`DO $$ BEGIN ${AUTHENTICATED.map((table) => statement(table)).join(" ")} END $$`);
  await query("CREATE SCHEMA backup");
  await inEach((table) => `CREATE TABLE backup.${table} AS TABLE membrane.${table};`);
  return () =>
    inEach(
      (table) =>
        `DELETE FROM membrane.${table}; INSERT INTO membrane.${table} SELECT * FROM backup.${table};`,
    );
}

/** Changes a column of one row, if the table takes the value: a key may be there already. */
async function changeOne(
  { query }: OpenedStore,
  table: string,
  column: string,
  change: string,
  row: number,
): Promise<void> {
  const value = change.replaceAll("$", column);
  await query(
    `UPDATE membrane.${table} t SET ${column} = ${value}
     WHERE (t.*)::text = (SELECT (b.*)::text FROM backup.${table} b ORDER BY b.ctid OFFSET ${row} LIMIT 1)
       AND ${column} IS NOT NULL`,
  ).catch((error: unknown) => expect(error).toMatchObject({ code: expect.stringMatching(/^(?:22|23)/) }));
}

/** What the holders of capabilities that live, and their tenant, see, and what a verification of the audit trail. */
async function look(store: OpenedStore): Promise<unknown> {
  const { at, alive } = store;
  return [
    await Promise.all(alive.map((one) => outcome(at.isAlive(one)))),
    await outcome(list(store)),
    await at.store.auditHeads(),
  ];
}

/** Whether anything works differently after a change. What is revoked must not work, and what lives must not be swept. */
async function isNoticed(
  store: OpenedStore,
  before: unknown,
  table: string,
  change: string,
): Promise<boolean> {
  const { at, dead, kept } = store;
  for (const one of dead) expect([false, "corrupt"], change).toContain(await outcome(at.isAlive(one)));
  const now = await look(store);
  const records = await living(store);
  const swept = await outcome(at.store.sweep(64));
  expect(await living(store), change).toEqual(records);
  const revoked = await outcome(at.store.revoke(kept.record.uid, "operator"));
  const opened = table === "meta" ? await outcome(restart(store)) : undefined;
  return JSON.stringify(now) !== JSON.stringify(before) || [swept, revoked, opened].includes("corrupt");
}

async function list({ at }: OpenedStore): Promise<readonly string[]> {
  const { membranes } = await at.store.membranes(at.tenant.uid, { limit: 9 });
  return membranes.map(({ uid }) => uid);
}

async function restart(store: OpenedStore): Promise<void> {
  const node = await store.openNode();
  await node.store.close();
}

async function living({ query, alive }: OpenedStore): Promise<readonly Row[]> {
  const uids = alive.map(({ uid }) => `'${uid}'`).join();
  return query(`SELECT uid FROM membrane.record WHERE uid IN (${uids}) ORDER BY uid`);
}
