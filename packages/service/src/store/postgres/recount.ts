import type { Uid } from "../../domain/uid.ts";
import { uidBytes } from "../../domain/uid.ts";
import { SERVICE_OWNER } from "../../domain/quota.ts";
import { decodeRow } from "../codec/authenticated-row.ts";
import { decodeRecord } from "../codec/record-codec.ts";
import { childKey, indexTarget, nameKey, nameOfKey } from "../codec/row-keys.ts";
import type { NameEntry } from "../engine.ts";
import type { ServiceKeys } from "../keys.ts";
import type { StoredTree } from "../recount.ts";
import { recountBytes, recountOwned } from "../recount.ts";
import { skipUnusable } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { CountRef } from "./count-ref.ts";
import { bytesRef, countRowKey, quotaRef } from "./count-ref.ts";
import type { SnapshotOptions } from "./snapshot.ts";
import type { Row } from "./sql-values.ts";
import { bytesOf, optionalBytesOf, uidColumnOf, uuidArray } from "./sql-values.ts";

/** As many records below one owner are read at most: `recount.ts` reads no more, and only counts the others. */
const MAX_READS = 16_384;

/** Everything right below owners, and who has a name in them. Only the records that are read come with their bodies. */
const BELOW = `
  WITH step AS (
    SELECT c.uid, c.ignores_revocation, c.child, c.body,
           row_number() OVER (PARTITION BY c.uid ORDER BY c.ignores_revocation, c.child) AS place
    FROM membrane.child c WHERE c.uid = ANY ($1::uuid[])
  ),
  holder AS (SELECT n.owner, n.name, n.body, n.holder FROM membrane.name n WHERE n.owner = ANY ($1::uuid[])),
  node (uid) AS (
    SELECT unnest($1::uuid[])
    UNION SELECT s.child FROM step s WHERE s.place <= ${MAX_READS}
    UNION SELECT h.holder FROM holder h
  )
  SELECT 'child' AS type, s.uid AS id, s.child AS target, s.ignores_revocation AS flag, NULL::bytea AS key, s.body FROM step s
  UNION ALL SELECT 'record', r.uid, NULL, NULL, NULL, r.body FROM node n JOIN membrane.record r ON r.uid = n.uid
  UNION ALL SELECT 'name', h.owner, NULL, NULL, h.name, h.body FROM holder h
  UNION ALL SELECT 'bytes', c.uid, NULL, NULL, NULL, c.body
    FROM node n JOIN membrane.count c ON c.uid = n.uid AND c.kind = ${bytesRef(SERVICE_OWNER).kind}`;

/**
 * Makes a count that is missing or damaged from what is stored.
 *
 * @returns a function that throws if a row is damaged that the count is made from.
 */
export async function recount(
  connection: Connection,
  ref: CountRef,
  { keys }: Pick<SnapshotOptions, "keys">,
): Promise<() => number> {
  const below = (owners: readonly Uid[]) => connection.query(BELOW, [uuidArray(owners)]);
  const rows = await below([ref.uid]);
  const owner = readTree(rows, keys);
  const membranes = isBytes(ref) ? owner.membranesWithoutBytes().filter((uid) => uid !== ref.uid) : [];
  // The bytes of a tenant are those of its membranes, which may have to be made anew too.
  const all = membranes.length === 0 ? owner : readTree([...rows, ...(await below(membranes))], keys);
  return settled(() => countBelow(ref, all.tree, all.readBytes));
}

/** Calls `count` once, and returns or throws each time what it has returned or thrown. */
function settled(count: () => number): () => number {
  try {
    const value = count();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function isBytes({ kind, uid }: CountRef): boolean {
  return kind === bytesRef(uid).kind;
}

function countBelow(ref: CountRef, tree: StoredTree, readBytes: (owner: Uid) => number | undefined): number {
  if (isBytes(ref)) return recountBytes(ref.uid, tree, readBytes);
  const kinds =
    ref.uid === SERVICE_OWNER
      ? (["tenants"] as const)
      : (["membranes", "capabilities", "ownCapabilities"] as const);
  // A tenant has no capabilities that went through it, and a membrane no membranes: one of the sums is zero.
  return kinds
    .map((kind) => ({ owner: ref.uid, kind }))
    .filter((quota) => quotaRef(quota).kind === ref.kind)
    .reduce((sum, quota) => sum + recountOwned(quota, tree), 0);
}

function readTree(rows: readonly Row[], keys: ServiceKeys) {
  const records = new Map<Uid, Buffer>();
  const bytes = new Map<Uid, Buffer>();
  const names = new Map<string, { readonly key: Buffer; readonly body: Buffer }>();
  const children = new Map<
    Uid,
    { readonly child: Uid; readonly ignores: boolean; readonly body: Buffer }[]
  >();
  for (const row of rows) {
    const uid = uidColumnOf(row, "id");
    const body = bytesOf(row, "body");
    if (row["type"] === "record") records.set(uid, body);
    else if (row["type"] === "bytes") bytes.set(uid, body);
    else if (row["type"] === "name") {
      const key = Buffer.concat([uidBytes(uid), optionalBytesOf(row, "key") ?? Buffer.alloc(0)]);
      names.set(key.toString("hex"), { key, body });
    } else {
      const list = children.get(uid) ?? [];
      list.push({ child: uidColumnOf(row, "target"), ignores: row["flag"] === true, body });
      children.set(uid, list);
    }
  }
  const tree: StoredTree = {
    record(uid) {
      const body = records.get(uid);
      return body === undefined
        ? undefined
        : decodeRecord(uid, decodeRow("nodes", uidBytes(uid), body, keys));
    },
    holderOf(name) {
      const row = names.get(nameKey(name).toString("hex"));
      return row === undefined ? undefined : indexTarget(decodeRow("names", row.key, row.body, keys));
    },
    *namesFrom(): Iterable<NameEntry> {
      for (const { key, body } of names.values())
        yield { name: nameOfKey(key), holder: indexTarget(decodeRow("names", key, body, keys)) };
    },
    *children(uid, includesIgnoring) {
      const all = children.get(uid) ?? [];
      const strict = new Set(all.filter(({ ignores }) => !ignores).map(({ child }) => child));
      for (const { child, ignores, body } of all) {
        // It points here in both ways, and is one child.
        if (ignores && (!includesIgnoring || strict.has(child))) continue;
        decodeRow("children", childKey({ to: uid, ignoresRevocation: ignores }, child), body, keys);
        yield child;
      }
    },
  };
  const readBytes = (uid: Uid): number | undefined => {
    const body = bytes.get(uid);
    if (body === undefined) return undefined;
    const columns = skipUnusable(() => decodeRow("counts", countRowKey(bytesRef(uid)), body, keys));
    return columns?.[0]?.length === 8 ? Number(columns[0].readBigUInt64BE()) : undefined;
  };
  return {
    tree,
    readBytes,
    membranesWithoutBytes: (): Uid[] =>
      Array.from(records.keys()).filter(
        (uid) => skipUnusable(() => tree.record(uid))?.type === "membrane" && readBytes(uid) === undefined,
      ),
  };
}
