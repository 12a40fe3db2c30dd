import type { Pointer } from "../../domain/lineage.ts";
import { pointers } from "../../domain/lineage.ts";
import type { Uid } from "../../domain/uid.ts";
import { parseUid } from "../../domain/uid.ts";
import type { StoredCapability, StoredMembrane, StoredRecord, StoredTenant } from "../record.ts";
import { StoreCorruptError } from "../store.ts";
import type { Tables } from "./environment.ts";
import type { ServiceKeys } from "../keys.ts";
import { formatRecord, parseRecord } from "./record-row.ts";
import type { RowTable } from "./row.ts";
import { createRowTable } from "./row.ts";

/** Records with the three indexes that lead to them: by lookup id, by name, and from what they point to. */
export interface Nodes {
  isEmpty(): boolean;
  get(uid: Uid): StoredRecord | undefined;
  byLookupId(lookupId: Buffer): StoredCapability | undefined;
  /** Who holds a name among the tenants (`owner` undefined) or among the membranes of one tenant. */
  named(owner: Uid | undefined, name: string): StoredRecord | undefined;
  /** All that hold names of `owner`, from the name `from` on (or behind it), ordered by UTF-8 bytes. */
  namedFrom(owner: Uid | undefined, from: string, behind: boolean): Iterable<StoredRecord>;
  insert(record: StoredRecord): void;
  /** Writes changed columns of a record that is there. */
  update(record: StoredRecord): void;
  /** Removes a record and the index rows that lead to it. */
  remove(record: StoredRecord): void;
  removeName(record: StoredTenant | StoredMembrane): void;
  /** Uids of what points to `uid`; with `forgiven`, also by steps that disregard whether it is revoked. */
  children(uid: Uid, forgiven: boolean): Iterable<Uid>;
  /** Removes index rows that say `child` points to `uid`, when there is no such record. */
  unlink(uid: Uid, child: Uid): void;
}

const NO_OWNER = "0".repeat(32);
const LAST = Buffer.alloc(1, 0xff);

export function createNodes(tables: Tables, keys: ServiceKeys): Nodes {
  const nodes = createRowTable("nodes", tables.nodes, keys);
  const lookups = createRowTable("lookups", tables.lookups, keys);
  const names = createRowTable("names", tables.names, keys);
  const children = createRowTable("children", tables.children, keys);

  const get = (uid: Uid): StoredRecord | undefined => {
    const columns = nodes.get(uidBytes(uid));
    return columns === undefined ? undefined : parseRecord(uid, columns);
  };
  const removeIfLeadsTo = (index: RowTable, key: Buffer, uid: Uid): void => {
    const columns = index.get(key);
    if (columns !== undefined && leadsTo(columns) === uid) index.remove(key);
  };
  const removeName = (record: StoredTenant | StoredMembrane): void =>
    removeIfLeadsTo(names, nameKey(ownerOf(record), record.name), record.uid);

  return {
    isEmpty: () => tables.nodes.getKeysCount({ limit: 1 }) === 0,
    get,
    byLookupId(lookupId) {
      const columns = lookups.get(lookupId);
      const record = columns === undefined ? undefined : get(leadsTo(columns));
      return record?.type === "capability" ? record : undefined;
    },
    named(owner, name) {
      const columns = names.get(nameKey(owner, name));
      return columns === undefined ? undefined : get(leadsTo(columns));
    },
    *namedFrom(owner, from, behind) {
      const first = nameKey(owner, from);
      // No name holds a NUL, so this key stands right behind the name itself and before every longer one.
      const start = behind ? Buffer.concat([first, Buffer.alloc(1)]) : first;
      for (const { columns } of names.range(start, Buffer.concat([uidBytes(owner ?? NO_OWNER), LAST]))) {
        const record = get(leadsTo(columns));
        if (record !== undefined) yield record;
      }
    },
    insert(record) {
      nodes.put(uidBytes(record.uid), formatRecord(record));
      for (const pointer of pointers(record)) children.put(childKey(pointer, record.uid), []);
      if (record.type === "capability") {
        lookups.put(record.lookupId, [uidBytes(record.uid), Buffer.from([keys.number])]);
      }
      if (record.type === "tenant" || record.type === "membrane") {
        names.put(nameKey(ownerOf(record), record.name), [uidBytes(record.uid)]);
      }
    },
    update(record) {
      nodes.put(uidBytes(record.uid), formatRecord(record));
    },
    remove(record) {
      nodes.remove(uidBytes(record.uid));
      for (const pointer of pointers(record)) children.remove(childKey(pointer, record.uid));
      if (record.type === "capability") removeIfLeadsTo(lookups, record.lookupId, record.uid);
      if (record.type === "tenant" || record.type === "membrane") removeName(record);
    },
    removeName,
    *children(uid, forgiven) {
      const start = uidBytes(uid);
      const end = Buffer.concat([start, forgiven ? LAST : Buffer.from([1])]);
      for (const { key } of children.range(start, end)) yield parseUid(key.subarray(17).toString("hex"));
    },
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
  return Buffer.concat([uidBytes(owner ?? NO_OWNER), Buffer.from(name, "utf8")]);
}

function ownerOf(record: StoredTenant | StoredMembrane): Uid | undefined {
  return record.type === "membrane" ? record.tenant : undefined;
}

function leadsTo(columns: readonly Buffer[]): Uid {
  const [uid] = columns;
  if (uid === undefined) throw new StoreCorruptError("an index row leads nowhere");
  return parseUid(uid.toString("hex"));
}

export function uidBytes(uid: string): Buffer {
  return Buffer.from(uid, "hex");
}
