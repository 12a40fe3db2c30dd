import type { Pointer } from "../../domain/lineage.ts";
import { pointers } from "../../domain/lineage.ts";
import type { Quota } from "../../domain/quota.ts";
import { quotaOf, quotasOf, SERVICE } from "../../domain/quota.ts";
import type { Uid } from "../../domain/uid.ts";
import { parseUid, uidBytes } from "../../domain/uid.ts";
import type { StoredCapability, StoredMembrane, StoredRecord, StoredTenant } from "../record.ts";
import { StoreCorruptError } from "../store.ts";
import type { Tables } from "./environment.ts";
import type { ServiceKeys } from "../keys.ts";
import { createCounts } from "./counts.ts";
import { formatRecord, parseRecord } from "./record-row.ts";
import type { RowTable } from "./row.ts";
import { createRowTable, take } from "./row.ts";
import { createStoredBytes } from "./stored-bytes.ts";

/**
 * Records with the three indexes that lead to them, by lookup id, by name, and from what they point to; and how many of
 * them count against each quota.
 */
export interface Nodes {
  isEmpty(): boolean;
  get(uid: Uid): StoredRecord | undefined;
  byLookupId(lookupId: Buffer): StoredCapability | undefined;
  /** Who holds a name among the tenants (`owner` undefined) or among the membranes of one tenant. */
  named(owner: Uid | undefined, name: string): StoredRecord | undefined;
  /** All that hold names of `owner`, from the name `from` on (or behind it), ordered by UTF-8 bytes. */
  namedFrom(owner: Uid | undefined, from: string, behind: boolean): Iterable<StoredRecord>;
  /** How many records count against a quota. */
  heldBy(quota: Quota): number;
  /** How many bytes a membrane or a tenant has taken. */
  storedBytes(owner: Uid): number;
  /** Records that are made together go in after what they count against. */
  insert(record: StoredRecord): void;
  /** Writes changed columns of a record that is there. */
  update(record: StoredRecord): void;
  /** Removes a record and the index rows that lead to it. */
  remove(record: StoredRecord): void;
  /** What is revoked keeps its row, but neither its name nor a count of what it holds. */
  retire(record: StoredTenant | StoredMembrane): void;
  /** Uids of what points to `uid`, each once; with `forgiven`, also by steps that disregard whether it is revoked. */
  children(uid: Uid, forgiven: boolean): Iterable<Uid>;
  /** Removes index rows that say `child` points to `uid`, when there is no such record. */
  unlink(uid: Uid, child: Uid): void;
}

const LAST = Buffer.alloc(1, 0xff);

export function createNodes(tables: Tables, keys: ServiceKeys): Nodes {
  const nodes = createRowTable("nodes", tables.nodes, keys);
  const lookups = createRowTable("lookups", tables.lookups, keys);
  const names = createRowTable("names", tables.names, keys);
  const children = createRowTable("children", tables.children, keys);
  const countRows = createRowTable("counts", tables.counts, keys);

  const get = (uid: Uid): StoredRecord | undefined => {
    const columns = nodes.get(uidBytes(uid));
    return columns === undefined ? undefined : parseRecord(uid, columns);
  };
  const removeIfLeadsTo = (index: RowTable, key: Buffer, uid: Uid): boolean => {
    const columns = index.get(key);
    if (columns === undefined || leadsTo(columns) !== uid) return false;
    index.remove(key);
    return true;
  };
  const named = (owner: Uid | undefined, name: string): StoredRecord | undefined => {
    const columns = names.get(nameKey(owner, name));
    return columns === undefined ? undefined : get(leadsTo(columns));
  };
  const childrenOf = function* (uid: Uid, forgiven: boolean): Iterable<Uid> {
    const start = uidBytes(uid);
    const end = Buffer.concat([start, forgiven ? LAST : Buffer.from([1])]);
    for (const { key } of children.range(start, end)) {
      const child = parseUid(key.subarray(17).toString("hex"));
      // A `revoke` that went through the membrane that it ends points to it in both ways, and is one child.
      const isRepeated =
        key[16] === 1 && children.get(childKey({ to: uid, forgiving: false }, child)) !== undefined;
      if (!isRepeated) yield child;
    }
  };
  const namedFrom = function* (
    owner: Uid | undefined,
    from: string,
    behind: boolean,
  ): Iterable<StoredRecord> {
    const first = nameKey(owner, from);
    // No name holds a NUL, so this key stands right behind the name itself and before every longer one.
    const start = behind ? Buffer.concat([first, Buffer.alloc(1)]) : first;
    for (const { columns } of names.range(start, Buffer.concat([uidBytes(owner ?? SERVICE), LAST]))) {
      const record = get(leadsTo(columns));
      if (record !== undefined) yield record;
    }
  };
  const counts = createCounts(countRows, (quota) => {
    let count = 0;
    for (const record of ownedBy(quota)) if (countsAgainst(quota, record)) count += 1;
    return count;
  });
  const ownedBy = function* ({ owner }: Quota): Iterable<StoredRecord | undefined> {
    if (owner === SERVICE) yield* namedFrom(undefined, "", false);
    else for (const uid of childrenOf(owner, false)) yield get(uid);
  };
  const countsAgainst = ({ owner, counts: counted }: Quota, record: StoredRecord | undefined): boolean => {
    const quota = record && quotaOf(record);
    if (quota?.owner !== owner || quota.counts !== counted) return false;
    return record?.type !== "membrane" || named(owner, record.name)?.uid === record.uid;
  };
  const subtract = (record: StoredRecord): void => {
    const quota = quotaOf(record);
    if (quota !== undefined) counts.subtract(quota);
  };
  const bytes = createStoredBytes(countRows, { get, children: (uid) => childrenOf(uid, true) });
  const retire = (record: StoredTenant | StoredMembrane): void => {
    quotasOf(record).forEach(counts.forget);
    bytes.forget(record.uid);
    const isRemoved = removeIfLeadsTo(names, nameKey(ownerOf(record), record.name), record.uid);
    if (isRemoved) subtract(record);
  };

  /** From a dead membrane or tenant, which it counts instead of. */
  const takesName = (record: StoredRecord): boolean =>
    isNamed(record) && names.get(nameKey(ownerOf(record), record.name)) !== undefined;

  return {
    // Not by a count: LMDB's goes through all keys, whatever its limit.
    isEmpty: () => take(tables.nodes.getKeys(), 1).length === 0,
    get,
    byLookupId(lookupId) {
      const columns = lookups.get(lookupId);
      const record = columns === undefined ? undefined : get(leadsTo(columns));
      return record?.type === "capability" ? record : undefined;
    },
    named,
    namedFrom,
    heldBy: counts.of,
    storedBytes: bytes.of,
    insert(record) {
      const quota = quotaOf(record);
      if (quota !== undefined && !takesName(record)) counts.add(quota);
      bytes.add(record);
      nodes.put(uidBytes(record.uid), formatRecord(record));
      for (const pointer of pointers(record)) children.put(childKey(pointer, record.uid), []);
      if (record.type === "capability") {
        lookups.put(record.lookupId, [uidBytes(record.uid), Buffer.from([keys.number])]);
      }
      if (isNamed(record)) {
        names.put(nameKey(ownerOf(record), record.name), [uidBytes(record.uid)]);
      }
    },
    update(record) {
      nodes.put(uidBytes(record.uid), formatRecord(record));
    },
    remove(record) {
      bytes.subtract(record);
      nodes.remove(uidBytes(record.uid));
      for (const pointer of pointers(record)) children.remove(childKey(pointer, record.uid));
      if (record.type === "capability") removeIfLeadsTo(lookups, record.lookupId, record.uid);
      if (isNamed(record)) retire(record);
      else subtract(record);
    },
    retire,
    children: childrenOf,
    unlink(uid, child) {
      children.remove(childKey({ to: uid, forgiving: false }, child));
      children.remove(childKey({ to: uid, forgiving: true }, child));
    },
  };
}

/** Steps that forgive stand behind those that do not, so that a sweep can leave them out. */
function childKey(pointer: Pointer, child: Uid): Buffer {
  return Buffer.concat([uidBytes(pointer.to), Buffer.from([pointer.forgiving ? 1 : 0]), uidBytes(child)]);
}

function nameKey(owner: Uid | undefined, name: string): Buffer {
  return Buffer.concat([uidBytes(owner ?? SERVICE), Buffer.from(name, "utf8")]);
}

function isNamed(record: StoredRecord): record is StoredTenant | StoredMembrane {
  return record.type === "tenant" || record.type === "membrane";
}

function ownerOf(record: StoredTenant | StoredMembrane): Uid | undefined {
  return record.type === "membrane" ? record.tenant : undefined;
}

function leadsTo(columns: readonly Buffer[]): Uid {
  const [uid] = columns;
  if (uid === undefined) throw new StoreCorruptError("an index row leads nowhere");
  return parseUid(uid.toString("hex"));
}
