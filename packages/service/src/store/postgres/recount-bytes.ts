import type { Uid } from "../../domain/uid.ts";
import { uidBytes } from "../../domain/uid.ts";
import { decodeRow } from "../codec/authenticated-row.ts";
import { decodeRecord } from "../codec/record-codec.ts";
import { childKey } from "../codec/row-keys.ts";
import type { ServiceKeys } from "../keys.ts";
import type { StoredRecord } from "../record.ts";
import { MAX_READS, recountBytes, SAMPLE_SIZE } from "../recount.ts";
import { skipUnusable } from "../unusable-records.ts";
import type { Connection } from "./connection.ts";
import type { CountRef } from "./count-ref.ts";
import { bytesRef, countRowKey } from "./count-ref.ts";
import type { Row } from "./sql-values.ts";
import { bigintOf, bytesOf, uidColumnOf, uuidArray } from "./sql-values.ts";

/** Below so many membranes samples are read at a time. */
const MEMBRANES_AT_A_TIME = MAX_READS / SAMPLE_SIZE;

/** One that points to an owner in both ways is one child. */
const CHILDREN = `
  membrane.child c WHERE c.uid = o.uid AND (NOT c.ignores_revocation OR NOT EXISTS (
    SELECT FROM membrane.child s WHERE s.uid = c.uid AND s.child = c.child AND NOT s.ignores_revocation
  ))`;

/**
 * The first records right below owners, and how many there are. That number has no MAC: who could raise it by adding rows could as
 * well lower it by removing some, which no MAC shows.
 */
const BELOW = `
  WITH owner AS (SELECT pg_catalog.unnest($1::uuid[]) AS uid),
  link AS (
    SELECT o.uid, c.ignores_revocation, c.child, c.body FROM owner o
    CROSS JOIN LATERAL (SELECT c.* FROM ${CHILDREN} ORDER BY c.ignores_revocation, c.child LIMIT $2::int) c
  ),
  node (uid) AS (SELECT o.uid FROM owner o UNION SELECT l.child FROM link l)
  SELECT 'total' AS type, o.uid, NULL::uuid AS child, NULL::boolean AS flag,
         (SELECT count(*) FROM ${CHILDREN}) AS number, NULL::bytea AS body
  FROM owner o
  UNION ALL SELECT 'link', l.uid, l.child, l.ignores_revocation, NULL, l.body FROM link l
  UNION ALL SELECT 'record', r.uid, NULL, NULL, NULL, r.body FROM node n JOIN membrane.record r ON r.uid = n.uid
  UNION ALL SELECT 'bytes', c.uid, NULL, NULL, NULL, c.body
    FROM node n JOIN membrane.count c ON c.uid = n.uid AND c.kind = $3::smallint`;

/**
 * Counts the bytes of an owner from samples, as `recountBytes` does, and loads about as much as that reads.
 *
 * @throws StoreCorruptError if a row is damaged that leads to a record.
 */
export async function countBytes(
  connection: Connection,
  { uid, kind }: CountRef,
  keys: ServiceKeys,
): Promise<number> {
  const tree = createSampledTree(keys);
  const load = async (owners: readonly Uid[], limit: number): Promise<void> =>
    tree.add(await connection.query(BELOW, [uuidArray(owners), limit, kind]));
  await load([uid], SAMPLE_SIZE);
  if (skipUnusable(() => tree.record(uid))?.type === "tenant") await load([uid], MAX_READS);
  // The bytes of a tenant are those of its membranes, which may have to be made anew too.
  const membranes = tree.membranesWithoutBytes().filter((membrane) => membrane !== uid);
  for (let next = 0; next < membranes.length && tree.size() < 2 * MAX_READS; next += MEMBRANES_AT_A_TIME)
    await load(membranes.slice(next, next + MEMBRANES_AT_A_TIME), SAMPLE_SIZE);
  return recountBytes(uid, tree, tree.readBytes);
}

/** What was loaded. */
function createSampledTree(keys: ServiceKeys) {
  const records = new Map<Uid, Buffer>();
  const bytes = new Map<Uid, Buffer>();
  const totals = new Map<Uid, number>();
  /** The rows that lead to children, by owner and child. */
  const links = new Map<Uid, Map<Uid, Row>>();

  const addRow = (row: Row): void => {
    const uid = uidColumnOf(row, "uid");
    switch (row["type"]) {
      case "total":
        totals.set(uid, Number(bigintOf(row, "number")));
        break;
      case "link": {
        const below = links.get(uid) ?? new Map<Uid, Row>();
        links.set(uid, below.set(uidColumnOf(row, "child"), row));
        break;
      }
      case "record":
        records.set(uid, bytesOf(row, "body"));
        break;
      case "bytes":
        bytes.set(uid, bytesOf(row, "body"));
        break;
    }
  };
  const record = (uid: Uid): StoredRecord | undefined => {
    const body = records.get(uid);
    return body && decodeRecord(uid, decodeRow("nodes", uidBytes(uid), body, keys));
  };
  const readBytes = (uid: Uid): number | undefined => {
    const body = bytes.get(uid);
    const columns = body && skipUnusable(() => decodeRow("counts", countRowKey(bytesRef(uid)), body, keys));
    return columns?.[0]?.length === 8 ? Number(columns[0].readBigUInt64BE()) : undefined;
  };
  return {
    add: (rows: readonly Row[]): void => rows.forEach(addRow),
    size: () => records.size,
    record,
    readBytes,
    *children(uid: Uid): Iterable<Uid> {
      for (const [child, row] of links.get(uid) ?? []) {
        const key = childKey({ to: uid, ignoresRevocation: row["flag"] === true }, child);
        decodeRow("children", key, bytesOf(row, "body"), keys);
        yield child;
      }
    },
    countChildren: (uid: Uid) => totals.get(uid) ?? 0,
    membranesWithoutBytes: (): Uid[] =>
      Array.from(records.keys()).filter(
        (uid) => readBytes(uid) === undefined && skipUnusable(() => record(uid))?.type === "membrane",
      ),
  };
}
