import type { Dependency } from "../../domain/lineage.ts";
import { dependencies } from "../../domain/lineage.ts";
import type { Quota } from "../../domain/quota.ts";
import { quotaOf, quotasOf, SERVICE_OWNER } from "../../domain/quota.ts";
import type { Uid } from "../../domain/uid.ts";
import { parseUid, uidBytes } from "../../domain/uid.ts";
import type { StoredCapability, StoredMembrane, StoredRecord, StoredTenant } from "../record.ts";
import { RecordTooNewError, skipTooNew, StoreCorruptError } from "../store.ts";
import type { Tables } from "./environment.ts";
import type { ServiceKeys } from "../keys.ts";
import { createQuotaCounts } from "./quota-counts.ts";
import { encodeRecord, decodeRecord } from "../codec/record-codec.ts";
import type { AuthenticatedTable } from "./authenticated-table.ts";
import { createAuthenticatedTable, takeFirst } from "./authenticated-table.ts";
import { createStoredBytes } from "./stored-bytes.ts";

/**
 * Records with the three indexes that lead to them, by lookup id, by name, and from what they point to; and how many of
 * them count against each quota.
 */
export interface Records {
  isEmpty(): boolean;
  /** @throws RecordTooNewError, as do the others that return one record. */
  get(uid: Uid): StoredRecord | undefined;
  byLookupId(lookupId: Buffer): StoredCapability | undefined;
  /** Who holds a name among the tenants (`owner` undefined) or among the membranes of one tenant. */
  findByName(owner: Uid | undefined, name: string): StoredRecord | undefined;
  /**
   * All that hold names of `owner`, from the name `from` on (or after it), ordered by UTF-8 bytes; without those that are
   * too new.
   */
  listByName(owner: Uid | undefined, from: string, isExclusive: boolean): Iterable<StoredRecord>;
  /** How many records count against a quota. */
  countOwned(quota: Quota): number;
  /** How many bytes a membrane or a tenant has taken. */
  storedBytes(owner: Uid): number;
  /** Records that are made together go in after what they count against. */
  insert(record: StoredRecord): void;
  /** Writes changed columns of a record that is there. */
  update(record: StoredRecord): void;
  /** Removes a record and the index rows that lead to it. */
  remove(record: StoredRecord): void;
  /** What is revoked keeps its row, but neither its name nor a count of what it holds. */
  releaseName(record: StoredTenant | StoredMembrane): void;
  /** Uids of what points to `uid`, each once; with `forgiven`, also by steps that disregard whether it is revoked. */
  children(uid: Uid, includesIgnoring: boolean): Iterable<Uid>;
  /** Removes index rows that say `child` points to `uid`, when there is no such record. */
  removeDependency(uid: Uid, child: Uid): void;
}

const MAX_BYTE = Buffer.alloc(1, 0xff);

/** @param onTooNew called with the uid of each record that was read and is too new. */
export function createRecords(
  tables: Tables,
  keys: ServiceKeys,
  onTooNew: (record: Uid) => void = () => undefined,
): Records {
  const recordRows = createAuthenticatedTable("nodes", tables.nodes, keys);
  const lookups = createAuthenticatedTable("lookups", tables.lookups, keys);
  const names = createAuthenticatedTable("names", tables.names, keys);
  const children = createAuthenticatedTable("children", tables.children, keys);
  const countRows = createAuthenticatedTable("counts", tables.counts, keys);

  const get = (uid: Uid): StoredRecord | undefined => {
    const columns = recordRows.get(uidBytes(uid));
    if (columns === undefined) return undefined;
    try {
      return decodeRecord(uid, columns);
    } catch (error) {
      if (error instanceof RecordTooNewError) onTooNew(uid);
      throw error;
    }
  };
  const getReadable = (uid: Uid): StoredRecord | undefined => skipTooNew(() => get(uid));
  const removeIfTarget = (index: AuthenticatedTable, key: Buffer, uid: Uid): boolean => {
    const columns = index.get(key);
    if (columns === undefined || indexTarget(columns) !== uid) return false;
    index.remove(key);
    return true;
  };
  const nameTarget = (owner: Uid | undefined, name: string): Uid | undefined => {
    const columns = names.get(nameKey(owner, name));
    return columns === undefined ? undefined : indexTarget(columns);
  };
  const findByName = (owner: Uid | undefined, name: string): StoredRecord | undefined => {
    const uid = nameTarget(owner, name);
    return uid === undefined ? undefined : get(uid);
  };
  const childrenOf = function* (uid: Uid, includesIgnoring: boolean): Iterable<Uid> {
    const start = uidBytes(uid);
    const end = Buffer.concat([start, includesIgnoring ? MAX_BYTE : Buffer.from([1])]);
    for (const { key } of children.range(start, end)) {
      const child = parseUid(key.subarray(17).toString("hex"));
      // A `revoke` that went through the membrane that it ends points to it in both ways, and is one child.
      const isRepeated =
        key[16] === 1 && children.get(childKey({ to: uid, ignoresRevocation: false }, child)) !== undefined;
      if (!isRepeated) yield child;
    }
  };
  const listByName = function* (
    owner: Uid | undefined,
    from: string,
    isExclusive: boolean,
  ): Iterable<StoredRecord> {
    const first = nameKey(owner, from);
    // No name holds a NUL, so this key stands right behind the name itself and before every longer one.
    const start = isExclusive ? Buffer.concat([first, Buffer.alloc(1)]) : first;
    for (const { columns } of names.range(
      start,
      Buffer.concat([uidBytes(owner ?? SERVICE_OWNER), MAX_BYTE]),
    )) {
      const record = getReadable(indexTarget(columns));
      if (record !== undefined) yield record;
    }
  };
  const counts = createQuotaCounts(countRows, (quota) => {
    let count = 0;
    for (const record of ownedBy(quota)) if (countsAgainst(quota, record)) count += 1;
    return count;
  });
  const ownedBy = function* ({ owner }: Quota): Iterable<StoredRecord | undefined> {
    if (owner === SERVICE_OWNER) yield* listByName(undefined, "", false);
    else for (const uid of childrenOf(owner, false)) yield getReadable(uid);
  };
  const countsAgainst = ({ owner, kind: counted }: Quota, record: StoredRecord | undefined): boolean => {
    const quota = record && quotaOf(record);
    if (quota?.owner !== owner || quota.kind !== counted) return false;
    return record?.type !== "membrane" || nameTarget(owner, record.name) === record.uid;
  };
  const subtract = (record: StoredRecord): void => {
    const quota = quotaOf(record);
    if (quota !== undefined) counts.subtract(quota);
  };
  const bytes = createStoredBytes(countRows, { get: getReadable, children: (uid) => childrenOf(uid, true) });
  const releaseName = (record: StoredTenant | StoredMembrane): void => {
    quotasOf(record).forEach(counts.remove);
    bytes.remove(record.uid);
    const isRemoved = removeIfTarget(names, nameKey(ownerOf(record), record.name), record.uid);
    if (isRemoved) subtract(record);
  };

  /** From a dead membrane or tenant, which it counts instead of. */
  const takesName = (record: StoredRecord): boolean =>
    isNamed(record) && names.get(nameKey(ownerOf(record), record.name)) !== undefined;

  return {
    // Not by a count: LMDB's goes through all keys, whatever its limit.
    isEmpty: () => takeFirst(tables.nodes.getKeys(), 1).length === 0,
    get,
    byLookupId(lookupId) {
      const columns = lookups.get(lookupId);
      const record = columns === undefined ? undefined : get(indexTarget(columns));
      return record?.type === "capability" ? record : undefined;
    },
    findByName,
    listByName,
    countOwned: counts.of,
    storedBytes: bytes.of,
    insert(record) {
      const quota = quotaOf(record);
      if (quota !== undefined && !takesName(record)) counts.add(quota);
      bytes.add(record);
      recordRows.put(uidBytes(record.uid), encodeRecord(record));
      for (const dependency of dependencies(record)) children.put(childKey(dependency, record.uid), []);
      if (record.type === "capability") {
        lookups.put(record.lookupId, [uidBytes(record.uid), Buffer.from([keys.keyVersion])]);
      }
      if (isNamed(record)) {
        names.put(nameKey(ownerOf(record), record.name), [uidBytes(record.uid)]);
      }
    },
    update(record) {
      recordRows.put(uidBytes(record.uid), encodeRecord(record));
    },
    remove(record) {
      bytes.subtract(record);
      recordRows.remove(uidBytes(record.uid));
      for (const dependency of dependencies(record)) children.remove(childKey(dependency, record.uid));
      if (record.type === "capability") removeIfTarget(lookups, record.lookupId, record.uid);
      if (isNamed(record)) releaseName(record);
      else subtract(record);
    },
    releaseName,
    children: childrenOf,
    removeDependency(uid, child) {
      children.remove(childKey({ to: uid, ignoresRevocation: false }, child));
      children.remove(childKey({ to: uid, ignoresRevocation: true }, child));
    },
  };
}

/** Steps that ignore a revoked resource sort after the others, so that a sweep can leave them out. */
function childKey(dependency: Dependency, child: Uid): Buffer {
  return Buffer.concat([
    uidBytes(dependency.to),
    Buffer.from([dependency.ignoresRevocation ? 1 : 0]),
    uidBytes(child),
  ]);
}

function nameKey(owner: Uid | undefined, name: string): Buffer {
  return Buffer.concat([uidBytes(owner ?? SERVICE_OWNER), Buffer.from(name, "utf8")]);
}

function isNamed(record: StoredRecord): record is StoredTenant | StoredMembrane {
  return record.type === "tenant" || record.type === "membrane";
}

function ownerOf(record: StoredTenant | StoredMembrane): Uid | undefined {
  return record.type === "membrane" ? record.tenant : undefined;
}

function indexTarget(columns: readonly Buffer[]): Uid {
  const [uid] = columns;
  if (uid === undefined) throw new StoreCorruptError("an index row leads nowhere");
  return parseUid(uid.toString("hex"));
}
