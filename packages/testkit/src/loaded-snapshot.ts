import { dependencies } from "../../service/src/domain/lineage.ts";
import type { Quota } from "../../service/src/domain/quota.ts";
import type { Uid } from "../../service/src/domain/uid.ts";
import type {
  NamePage,
  OwnedName,
  ReadRequest,
  Snapshot,
  Dependent,
  SweepEntry,
  SweepRequest,
  WriteRequest,
  WriteSnapshot,
} from "../../service/src/store/engine.ts";
import { isNamed, nameOf } from "../../service/src/store/named-record.ts";

/** A decision read a record that its request does not name, which an engine over a network would not have loaded. */
export class NotRequestedError extends Error {
  override readonly name = "NotRequestedError";
}

/** Copies exactly the records that `request` names, with their dependencies. The copy throws when another one is read. */
export function loadForRead(source: Snapshot, request: ReadRequest): Snapshot {
  return loadRecords(source, request).snapshot;
}

/** Copies records for a write: each tenant and membrane also has the holder of its name and its stored bytes. */
export function loadForWrite(source: WriteSnapshot, request: WriteRequest): WriteSnapshot {
  const loader = loadRecords(source, request);
  const counts = loadedMap("a count", source.countOwned, ({ kind, owner }: Quota) => `${kind} ${owner}`);
  const bytes = loadedMap("stored bytes", source.storedBytes, (owner: Uid) => owner);
  const { quotas = [], sweep } = request;
  const entries = sweep === undefined ? undefined : loadEntries(source, sweep);
  const expired = sweep === undefined ? undefined : Array.from(source.expired(sweep), loadDependent);
  for (const quota of quotas) counts.load(quota);
  for (const { dependents } of entries ?? []) for (const { uid } of dependents) loader.loadLineage(uid);
  for (const { uid } of expired ?? []) loader.loadLineage(uid);
  for (const uid of loader.loadedUids()) {
    const record = loader.recordOf(uid);
    if (!isNamed(record)) continue;
    loader.loadHolder(nameOf(record));
    bytes.load(uid);
  }
  return {
    ...loader.snapshot,
    countOwned: counts.get,
    storedBytes: bytes.get,
    sweepEntries: () => requested(entries, "the sweep's queue"),
    expired: () => requested(expired, "what has expired"),
  };
}

function loadRecords(
  source: Snapshot,
  { lookupIds = [], uids = [], names = [], page, uses = [], dependents }: ReadRequest,
) {
  const position = source.position();
  const records = loadedMap("a record", source.record, (uid: Uid) => uid);
  const capabilities = loadedMap("a lookup id", source.capability, (id: Buffer) => id.toString("hex"));
  const holders = loadedMap(
    "a name",
    source.holderOf,
    ({ owner, name }: OwnedName) => `${owner ?? ""} ${name}`,
  );
  const pages = loadedMap("a page of names", source.names, (named: NamePage) => JSON.stringify(named));
  const useCounts = loadedMap("a count of uses", source.uses, (uid: Uid) => uid);
  const loadLineage = (root: Uid): void => {
    const pending: Uid[] = [root];
    for (let uid = pending.pop(); uid !== undefined; uid = pending.pop()) {
      if (records.has(uid)) continue;
      const record = records.load(uid);
      if (record !== undefined) pending.push(...dependencies(record).map(({ to }) => to));
    }
  };
  uids.forEach(loadLineage);
  for (const id of lookupIds) {
    const capability = capabilities.load(id);
    if (capability !== undefined) loadLineage(capability.uid);
  }
  for (const name of names) {
    const holder = holders.load(name);
    if (holder !== undefined) loadLineage(holder);
  }
  if (page !== undefined) for (const { holder } of pages.load(page) ?? []) loadLineage(holder);
  uses.forEach(useCounts.load);
  const below = dependents === undefined ? undefined : source.dependents(dependents).map(loadDependent);
  for (const { uid } of below ?? []) loadLineage(uid);
  const snapshot: Snapshot = {
    position: () => position,
    record: records.get,
    capability: capabilities.get,
    holderOf: holders.get,
    names: pages.get,
    uses: useCounts.get,
    dependents: () => requested(below, "what depends on a record"),
  };
  return {
    snapshot,
    loadLineage,
    loadHolder: (name: OwnedName): void => void holders.load(name),
    loadedUids: records.keys,
    recordOf: records.load,
  };
}

function loadEntries(source: WriteSnapshot, request: SweepRequest): SweepEntry[] {
  return Array.from(source.sweepEntries(request), ({ uid, isRoot, dependents }) => ({
    uid,
    isRoot,
    dependents: Array.from(dependents, loadDependent),
  }));
}

function loadDependent<T extends Dependent>(dependent: T): T {
  const has = dependent.hasDependents();
  return { ...dependent, hasDependents: () => has };
}

/** Makes a map of values that are read once, with their errors. */
function loadedMap<K, V>(what: string, read: (key: K) => V, keyOf: (key: K) => string) {
  const loaded = new Map<string, { readonly key: K; readonly get: () => V }>();
  return {
    has: (key: K): boolean => loaded.has(keyOf(key)),
    keys: (): K[] => Array.from(loaded.values(), ({ key }) => key),
    /** @returns nothing if reading failed: the decision gets the error if it reads the same value. */
    load(key: K): V | undefined {
      const kept = loaded.get(keyOf(key)) ?? { key, get: keep(() => read(key)) };
      loaded.set(keyOf(key), kept);
      try {
        return kept.get();
      } catch {
        return undefined;
      }
    },
    get: (key: K): V => requested(loaded.get(keyOf(key)), `${what} (${keyOf(key)})`).get(),
  };
}

function keep<T>(read: () => T): () => T {
  try {
    const value = read();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function requested<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new NotRequestedError(`${what} was not requested`);
  return value;
}
