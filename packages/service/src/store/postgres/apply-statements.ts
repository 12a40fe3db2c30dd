import { SERVICE_OWNER } from "../../domain/quota.ts";
import { parseUid } from "../../domain/uid.ts";
import type { WriteClass } from "../write-queue.ts";
import type { Parameter, Statement } from "./connection.ts";
import type { AuditHeadChange, RowChange, RowChanges, TableChanges } from "./row-changes.ts";
import {
  byteaArray,
  nullableByteaArray,
  nullableUuidArray,
  plainArray,
  uuidArray,
  uuidArrays,
} from "./sql-values.ts";

/** How to write the rows of a table. */
interface TableStatements<K> {
  readonly insert: string;
  /** Absent where a row that changes is removed and inserted. */
  readonly update?: string;
  readonly remove: string;
  /** The parameters of a key, as arrays. */
  keys(rows: readonly K[]): Parameter[];
  /** Parameters of the other columns without the body, for rows that stay. */
  columns?(rows: readonly K[]): Parameter[];
}

const COUNTS: TableStatements<RowKey<"counts">> = {
  insert:
    "INSERT INTO membrane.count (uid, kind, body) SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::bytea[])",
  update: `UPDATE membrane.count c SET body = q.body FROM unnest($1::uuid[], $2::smallint[], $3::bytea[]) AS q (uid, kind, body)
    WHERE c.uid = q.uid AND c.kind = q.kind`,
  remove: `DELETE FROM membrane.count c USING unnest($1::uuid[], $2::smallint[]) AS q (uid, kind)
    WHERE c.uid = q.uid AND c.kind = q.kind`,
  keys: (rows) => [uuidArray(rows.map(({ uid }) => uid)), plainArray(rows.map(({ kind }) => kind))],
};

const NAMES: TableStatements<RowKey<"names">> = {
  insert: `INSERT INTO membrane.name (owner, name, holder, body)
    SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::bytea[])`,
  update: `UPDATE membrane.name n SET holder = q.holder, body = q.body
    FROM unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::bytea[]) AS q (owner, name, holder, body)
    WHERE n.owner = q.owner AND n.name = q.name`,
  remove: `DELETE FROM membrane.name n USING unnest($1::uuid[], $2::bytea[]) AS q (owner, name)
    WHERE n.owner = q.owner AND n.name = q.name`,
  keys: (rows) => [
    uuidArray(rows.map(({ owner }) => owner ?? SERVICE_OWNER)),
    byteaArray(rows.map(({ name }) => Buffer.from(name, "utf8"))),
  ],
  columns: (rows) => [nullableUuidArray(rows.map(({ holder }) => holder))],
};

const RECORDS: TableStatements<RowKey<"records">> = {
  insert: `INSERT INTO membrane.record (uid, depends_on, name_owner, name, body)
    SELECT uid, depends_on::uuid[], name_owner, name, body
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bytea[], $5::bytea[])
      AS q (uid, depends_on, name_owner, name, body)`,
  // What a record points to and its name never change.
  update: `UPDATE membrane.record r SET body = q.body
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bytea[], $5::bytea[])
      AS q (uid, depends_on, name_owner, name, body)
    WHERE r.uid = q.uid`,
  remove: "DELETE FROM membrane.record WHERE uid = ANY ($1::uuid[])",
  keys: (rows) => [uuidArray(rows.map(({ uid }) => uid))],
  columns: (rows) => [
    uuidArrays(rows.map(({ dependsOn }) => dependsOn)),
    nullableUuidArray(rows.map(({ name }) => name && (name.owner ?? SERVICE_OWNER))),
    nullableByteaArray(rows.map(({ name }) => name && Buffer.from(name.name, "utf8"))),
  ],
};

const LOOKUPS: TableStatements<RowKey<"lookups">> = {
  insert:
    "INSERT INTO membrane.lookup (lookup_id, uid, body) SELECT * FROM unnest($1::bytea[], $2::uuid[], $3::bytea[])",
  remove: `DELETE FROM membrane.lookup l USING unnest($1::bytea[], $2::uuid[]) AS q (lookup_id, uid)
    WHERE l.lookup_id = q.lookup_id AND l.uid = q.uid`,
  keys: (rows) => [byteaArray(rows.map(({ lookupId }) => lookupId)), uuidArray(rows.map(({ uid }) => uid))],
};

const CHILDREN: TableStatements<RowKey<"children">> = {
  insert: `INSERT INTO membrane.child (uid, ignores_revocation, child, body)
    SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::bytea[])`,
  remove: `DELETE FROM membrane.child c USING unnest($1::uuid[], $2::boolean[], $3::uuid[]) AS q (uid, ignores_revocation, child)
    WHERE c.uid = q.uid AND c.ignores_revocation = q.ignores_revocation AND c.child = q.child`,
  keys: (rows) => [
    uuidArray(rows.map(({ uid }) => uid)),
    plainArray(rows.map(({ ignoresRevocation }) => ignoresRevocation)),
    uuidArray(rows.map(({ child }) => child)),
  ],
};

const EXPIRIES: TableStatements<RowKey<"expiries">> = {
  insert:
    "INSERT INTO membrane.expiry (expires_at, uid, body) SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bytea[])",
  remove: `DELETE FROM membrane.expiry x USING unnest($1::bigint[], $2::uuid[]) AS q (expires_at, uid)
    WHERE x.expires_at = q.expires_at AND x.uid = q.uid`,
  keys: (rows) => [plainArray(rows.map(({ expiresAt }) => expiresAt)), uuidArray(rows.map(({ uid }) => uid))],
};

const SWEEP: TableStatements<RowKey<"sweep">> = {
  // What was queued as a dependent may be revoked itself.
  insert: `INSERT INTO membrane.sweep (uid, is_root, body) SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::bytea[])
    ON CONFLICT (uid) DO UPDATE SET is_root = excluded.is_root, body = excluded.body`,
  remove: "DELETE FROM membrane.sweep s USING pg_catalog.unnest($1::uuid[]) AS q (uid) WHERE s.uid = q.uid",
  keys: (rows) => [uuidArray(rows.map(({ uid }) => uid))],
  columns: (rows) => [plainArray(rows.map(({ isRoot }) => isRoot))],
};

/** No start of a node changes the length of leases before the commit: all that do not have the entry are of this one. */
const LEASE_LENGTH = "SELECT lease_ms FROM membrane.lease_length FOR SHARE";

/**
 * Appends entries in the order given. The head is locked until the commit, so that positions are visible in their order. Its tag is
 * that of the last entry, and names no other.
 */
const APPEND = `
  WITH entry AS MATERIALIZED (
         SELECT q.uid, q.place, gen_random_uuid() AS tag FROM pg_catalog.unnest($1::uuid[]) WITH ORDINALITY AS q (uid, place)
       ),
       h AS (
         UPDATE membrane.head
         SET position = position + (SELECT count(*) FROM entry), tag = (SELECT e.tag FROM entry e ORDER BY e.place DESC LIMIT 1)
         RETURNING position, tag
       ),
       l AS (
         INSERT INTO membrane.log (position, tag, uid)
         SELECT h.position - (SELECT count(*) FROM entry) + e.place, e.tag, e.uid FROM h, entry e
       ),
       s AS MATERIALIZED (${LEASE_LENGTH})
  SELECT h.position, h.tag, s.lease_ms FROM h, s`;

/**
 * Lets the nodes that listen read the log at once. The queue of notifications and its lock belong to all databases of the
 * server: another program can fill the one and hold the other. So no commit depends on them, and this waits for neither disk,
 * standby nor lock. It brings no warning either, as of a queue that is half full: the commit before it would be taken for one that
 * is not durable.
 */
export const NOTIFY: string = [
  "SET LOCAL synchronous_commit TO off",
  "SET LOCAL client_min_messages TO error",
  "SET LOCAL lock_timeout TO 50",
  "NOTIFY membrane",
].join("; ");

/** Writes the head as it is, for a revoke that found its root revoked: it has the position of that revoke or a later one. */
const TOUCH_HEAD: Statement = {
  text: `
    WITH h AS (UPDATE membrane.head SET position = position RETURNING position, tag),
         s AS MATERIALIZED (${LEASE_LENGTH})
    SELECT h.position, h.tag, s.lease_ms FROM h, s`,
  parameters: [],
};

/**
 * Writes to the log of the server, and locks nothing: the commit then waits for the disk and for a synchronous standby, and with
 * it all that the decision has read.
 */
const FORCE_COMMIT: Statement = {
  text: "SELECT pg_logical_emit_message(true, 'membrane', '')",
  parameters: [],
};

/**
 * Entries that no node needs any more. The last that a node has applied stays, since its next renewal names it; so do those of the
 * last hour, for a node that was stopped.
 */
const TRIM = `
  DELETE FROM membrane.log WHERE position IN (
    SELECT l.position FROM membrane.log l
    WHERE l.position < (SELECT h.position - 10000 FROM membrane.head h)
      AND l.position < (SELECT coalesce(min(n.applied), l.position + 1) FROM membrane.lease n)
      AND l.appended_at < now() - interval '1 hour'
    ORDER BY l.position
    LIMIT $1::int
  )`;

/**
 * The statements that write `changes`: the tables in the order in which rows are locked, the head last. Those of revokes return
 * where the log then ends.
 */
export function applyStatements(changes: RowChanges, kind: WriteClass): Statement[] {
  const { appended } = changes;
  return [
    ...tableStatements(COUNTS, changes.counts),
    ...tableStatements(NAMES, changes.names),
    ...tableStatements(RECORDS, changes.records),
    ...tableStatements(LOOKUPS, changes.lookups),
    ...tableStatements(CHILDREN, changes.children),
    ...tableStatements(EXPIRIES, changes.expiries),
    ...tableStatements(SWEEP, changes.sweep),
    ...auditStatements([...changes.auditHeads.values()]),
    ...(changes.trim > 0 ? [{ text: TRIM, parameters: [changes.trim] }] : []),
    ...(appended.length > 0 ? [{ text: APPEND, parameters: [uuidArray(appended)] }] : []),
    ...(changes.isForced ? [kind === "revoke" ? TOUCH_HEAD : FORCE_COMMIT] : []),
  ];
}

/**
 * Each commit of a writer inserts another row and removes the earlier ones that no other commit is removing: to update one row, the
 * commits of a process would wait for each other, revokes for creations.
 */
const PUT_AUDIT_HEADS = `INSERT INTO membrane.audit (writer, sequence, body)
  SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) ON CONFLICT (writer, sequence) DO NOTHING`;

const REMOVE_AUDIT_HEADS = `
  DELETE FROM membrane.audit WHERE ctid = ANY (ARRAY(
    SELECT a.ctid FROM membrane.audit a, unnest($1::uuid[], $2::bigint[]) AS q (writer, sequence)
    WHERE a.writer = q.writer AND a.sequence <= q.sequence
    FOR UPDATE OF a SKIP LOCKED
  ))`;

function auditStatements(heads: readonly AuditHeadChange[]): Statement[] {
  if (heads.length === 0) return [];
  const moved = heads.flatMap(({ key, body }) => (body === undefined ? [] : [{ key, body }]));
  const keys = (rows: readonly Pick<AuditHeadChange, "key">[]): Parameter[] => [
    uuidArray(rows.map(({ key }) => parseUid(key.writer))),
    plainArray(rows.map(({ key }) => key.sequence)),
  ];
  const replaced = heads.filter(({ replaces }) => replaces);
  return [
    ...(replaced.length === 0 ? [] : [{ text: REMOVE_AUDIT_HEADS, parameters: keys(replaced) }]),
    ...(moved.length === 0
      ? []
      : [{ text: PUT_AUDIT_HEADS, parameters: [...keys(moved), byteaArray(moved.map(({ body }) => body))] }]),
  ];
}

type RowKey<T extends keyof RowChanges> = RowChanges[T] extends Map<string, RowChange<infer K>> ? K : never;

function tableStatements<K>(table: TableStatements<K>, changes: TableChanges<K>): Statement[] {
  // In the order of their keys, so that two inserts of the same rows do not wait for each other.
  const rows = [...changes].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  const { insert, update, remove } = table;
  const isUpdated = ({ body, isThere }: RowChange<K>) =>
    update !== undefined && isThere && body !== undefined;
  const all = (keys: readonly K[], bodies: readonly Buffer[]) => [
    ...table.keys(keys),
    ...(table.columns?.(keys) ?? []),
    byteaArray(bodies),
  ];
  return [
    ...statement(
      remove,
      rows.filter((row) => row.isThere && !isUpdated(row)),
      (keys) => table.keys(keys),
    ),
    ...statement(update, rows.filter(isUpdated), all),
    ...statement(
      insert,
      rows.filter((row) => row.body !== undefined && !isUpdated(row)),
      all,
    ),
  ];
}

function statement<K>(
  text: string | undefined,
  rows: readonly RowChange<K>[],
  parameters: (keys: readonly K[], bodies: readonly Buffer[]) => Parameter[],
): Statement[] {
  if (text === undefined || rows.length === 0) return [];
  const bodies = rows.flatMap(({ body }) => body ?? []);
  return [
    {
      text,
      parameters: parameters(
        rows.map(({ key }) => key),
        bodies,
      ),
    },
  ];
}
