import type { Quota } from "../../domain/quota.ts";
import { SERVICE_OWNER } from "../../domain/quota.ts";
import type { Uid } from "../../domain/uid.ts";
import { uidBytes } from "../../domain/uid.ts";
import { decodeRow } from "../codec/authenticated-row.ts";
import { decodeRecord } from "../codec/record-codec.ts";
import { childKey, indexTarget, nameKey } from "../codec/row-keys.ts";
import type { ServiceKeys } from "../keys.ts";
import type { StoredTree } from "../recount.ts";
import { countsAgainst } from "../recount.ts";
import { StoreCorruptError } from "../store.ts";
import type { Connection, Parameter } from "./connection.ts";
import type { CountRef } from "./count-ref.ts";
import { quotaRef } from "./count-ref.ts";
import type { Row } from "./sql-values.ts";
import { bytesOf, optionalBytesOf, uidColumnOf } from "./sql-values.ts";

/** How many records are in memory at a time: an owner may have a million. */
const PAGE_SIZE = 1_000;

/** The next records right below an owner, each with the holder of the name that it may have there. */
const BELOW = `
  SELECT c.child AS uid, c.body AS link, r.body, n.name, n.body AS holder
  FROM (
    SELECT c.child, c.body FROM membrane.child c
    WHERE c.uid = $1::uuid AND NOT c.ignores_revocation AND c.child > $2::uuid
    ORDER BY c.child LIMIT ${PAGE_SIZE}
  ) c
  LEFT JOIN membrane.record r ON r.uid = c.child
  LEFT JOIN membrane.name n ON n.owner = $1::uuid AND n.name = r.name
  ORDER BY c.child`;

/** The next tenants by their names. */
const TENANTS = `
  SELECT n.holder AS uid, n.body AS link, r.body, n.name, NULL::bytea AS holder
  FROM (
    SELECT n.name, n.holder, n.body FROM membrane.name n
    WHERE n.owner = $1::uuid AND n.name > $2::bytea
    ORDER BY n.name LIMIT ${PAGE_SIZE}
  ) n
  LEFT JOIN membrane.record r ON r.uid = n.holder
  ORDER BY n.name`;

/**
 * Counts the records of an owner, page by page.
 *
 * @throws StoreCorruptError if a row is damaged.
 */
export async function countRecords(
  connection: Connection,
  ref: CountRef,
  keys: ServiceKeys,
): Promise<number> {
  const { uid: owner } = ref;
  const isService = owner === SERVICE_OWNER;
  const quotas = quotasWith(ref);
  let count = 0;
  let after: Parameter = isService ? Buffer.alloc(0) : SERVICE_OWNER;
  for (;;) {
    const rows: readonly Row[] = await connection.query(isService ? TENANTS : BELOW, [owner, after]);
    for (const row of rows) {
      const uid = uidColumnOf(row, "uid");
      const tree = treeOf(owner, uid, row, keys);
      count += quotas.filter((quota) => countsAgainst(quota, uid, tree)).length;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_SIZE) return count;
    after = isService ? bytesOf(last, "name") : uidColumnOf(last, "uid");
  }
}

/** The quotas that a row counts. A tenant has no capabilities that went through it, and a membrane no membranes: one of two is zero. */
function quotasWith({ uid: owner, kind }: CountRef): Quota[] {
  const kinds =
    owner === SERVICE_OWNER
      ? (["tenants"] as const)
      : (["membranes", "capabilities", "ownCapabilities"] as const);
  return kinds.map((one) => ({ owner, kind: one })).filter((quota) => quotaRef(quota).kind === kind);
}

/** One record, and its name. */
function treeOf(owner: Uid, uid: Uid, row: Row, keys: ServiceKeys): Pick<StoredTree, "record" | "holderOf"> {
  verifyLink(owner, uid, row, keys);
  const body = optionalBytesOf(row, "body");
  const holder = optionalBytesOf(row, "holder");
  return {
    record: () => body && decodeRecord(uid, decodeRow("nodes", uidBytes(uid), body, keys)),
    holderOf: ({ name }) => holder && indexTarget(decodeRow("names", nameKey({ owner, name }), holder, keys)),
  };
}

/** A tenant is found by its name, and all else by what it depends on. */
function verifyLink(owner: Uid, uid: Uid, row: Row, keys: ServiceKeys): void {
  const link = bytesOf(row, "link");
  if (owner !== SERVICE_OWNER) {
    decodeRow("children", childKey({ to: owner, ignoresRevocation: false }, uid), link, keys);
    return;
  }
  const key = Buffer.concat([uidBytes(owner), bytesOf(row, "name")]);
  if (indexTarget(decodeRow("names", key, link, keys)) !== uid)
    throw new StoreCorruptError("a name does not lead to what was written");
}
