import type { Quota } from "../../domain/quota.ts";
import { SERVICE_OWNER } from "../../domain/quota.ts";
import type { Uid } from "../../domain/uid.ts";
import { uidBytes } from "../../domain/uid.ts";
import type { UseCount } from "../../domain/use-counter.ts";
import { decodeRow } from "../codec/authenticated-row.ts";
import {
  childKey,
  DEPENDENT_MARK,
  expiryKey,
  indexTarget,
  nameKey,
  nameOfKey,
  ROOT_MARK,
} from "../codec/row-keys.ts";
import type { Dependent, SweepEntry, WriteSnapshot } from "../engine.ts";
import type { ServiceKeys } from "../keys.ts";
import type { StoredCapability, StoredRecord } from "../record.ts";
import { RecordTooNewError, StoreCorruptError } from "../store.ts";
import { skipUnusable } from "../unusable-records.ts";
import type { VerifiedRecords } from "../verified-records.ts";
import type { CountRef } from "./count-ref.ts";
import { bytesRef, countRowKey, countText, quotaRef, usesRef } from "./count-ref.ts";
import type { LoadedDependent, LoadedEntry, LoadedRows } from "./loaded-rows.ts";
import { nameText } from "./loaded-rows.ts";

/** A decision needs a count that the store does not have: it is counted, and the decision made again. */
export class CountMissingError extends Error {
  override readonly name = "CountMissingError";
  readonly ref: CountRef;

  constructor(ref: CountRef) {
    super("a count is not kept");
    this.ref = ref;
  }
}

/** A snapshot of what was loaded. Rows are verified when they are read. */
export interface LoadedSnapshot extends WriteSnapshot {
  /** Whether there is a row of this key, verified or not. */
  hasCount(ref: CountRef): boolean;
  /** A count that is kept, or was counted anew; a damaged one is none. */
  knownCount(ref: CountRef): number | undefined;
  /**
   * A count, also one that is not kept.
   *
   * @throws CountMissingError if it has to be counted first.
   */
  count(ref: CountRef): number;
}

/** Counts by {@link countText}. One throws if a row is damaged that it is made from: the decision that needs it fails. */
export type Recounted = ReadonlyMap<string, () => number>;

export interface SnapshotOptions {
  readonly keys: ServiceKeys;
  readonly verified: VerifiedRecords;
  /** What was counted anew, by {@link countText}. */
  readonly recounted: Recounted;
  /** Called with the uid of each record that was read and is too new. */
  readonly onTooNew: (record: Uid) => void;
}

export function createSnapshot(loaded: LoadedRows, options: SnapshotOptions): LoadedSnapshot {
  const { keys, recounted } = options;
  const record = (uid: Uid): StoredRecord | undefined => {
    const body = requested(loaded.records, uid, "a record");
    if (body === undefined) return undefined;
    try {
      return options.verified.read(uid, body);
    } catch (error) {
      if (error instanceof RecordTooNewError) options.onTooNew(uid);
      throw error;
    }
  };
  const keptCount = (ref: CountRef): number | undefined => {
    try {
      const columns = readCount(loaded, ref, keys);
      return columns === undefined ? undefined : countOf(columns);
    } catch (error) {
      // As in the other engine: no revoke and no sweep may fail for a count that can be made anew.
      if (error instanceof StoreCorruptError) return undefined;
      throw error;
    }
  };
  const recountedAs = (ref: CountRef): number | undefined => recounted.get(countText(ref))?.();
  const count = (ref: CountRef): number => {
    const known = keptCount(ref) ?? recountedAs(ref);
    if (known !== undefined) return known;
    // Nothing can belong to an owner that is created by the same write.
    if (ref.uid !== SERVICE_OWNER && loaded.records.has(ref.uid) && loaded.records.get(ref.uid) === undefined)
      return 0;
    throw new CountMissingError(ref);
  };
  return {
    position: () => loaded.position,
    record,
    capability: (lookupId) => readCapability(loaded, lookupId, keys, record),
    holderOf(name) {
      const body = requested(loaded.names, nameText(name), "a name");
      return body === undefined ? undefined : readHolder(nameKey(name), body, keys);
    },
    names: () =>
      loaded.page.map(({ key, body }) => ({ name: nameOfKey(key), holder: readHolder(key, body, keys) })),
    uses(uid) {
      const columns = readCount(loaded, usesRef(uid), keys);
      return columns === undefined ? undefined : useCountOf(columns);
    },
    dependents: ({ of }) => readDependents(of, loaded.dependents.get(of) ?? [], keys),
    countOwned: (quota: Quota) => count(quotaRef(quota)),
    storedBytes: (owner) => count(bytesRef(owner)),
    sweepEntries: () => loaded.entries.map((entry) => readEntry(entry, keys)),
    expired: () =>
      loaded.expired.map(({ uid, expiresAt, hasDependents, body }) => {
        decodeRow("sweep", expiryKey(expiresAt, uid), body, keys);
        return { uid, expiresAt, hasDependents: () => hasDependents };
      }),
    hasCount: (ref) => loaded.counts.get(countText(ref)) !== undefined,
    knownCount: (ref) => keptCount(ref) ?? skipUnusable(() => recountedAs(ref)),
    count,
  };
}

function readCapability(
  loaded: LoadedRows,
  lookupId: Buffer,
  keys: ServiceKeys,
  record: (uid: Uid) => StoredRecord | undefined,
): StoredCapability | undefined {
  const body = requested(loaded.lookups, lookupId.toString("hex"), "a lookup id");
  const found =
    body === undefined ? undefined : record(indexTarget(decodeRow("lookups", lookupId, body, keys)));
  return found?.type === "capability" ? found : undefined;
}

function readHolder(key: Buffer, body: Buffer, keys: ServiceKeys): Uid {
  return indexTarget(decodeRow("names", key, body, keys));
}

function readEntry({ uid, isRoot, body, dependents }: LoadedEntry, keys: ServiceKeys): SweepEntry {
  const [mark] = decodeRow("sweep", uidBytes(uid), body, keys);
  // The clear column has decided which dependents were loaded.
  if (mark?.equals(isRoot ? ROOT_MARK : DEPENDENT_MARK) !== true)
    throw new StoreCorruptError("an entry of the sweep's queue is not what was written");
  return { uid, isRoot, dependents: readDependents(uid, dependents, keys) };
}

function readDependents(of: Uid, dependents: readonly LoadedDependent[], keys: ServiceKeys): Dependent[] {
  return dependents.map(({ uid, ignoresRevocation, hasDependents, body }) => {
    decodeRow("children", childKey({ to: of, ignoresRevocation }, uid), body, keys);
    return { uid, hasDependents: () => hasDependents };
  });
}

function readCount(loaded: LoadedRows, ref: CountRef, keys: ServiceKeys): Buffer[] | undefined {
  const body = loaded.counts.get(countText(ref));
  return body === undefined ? undefined : decodeRow("counts", countRowKey(ref), body, keys);
}

/** A count of records has four bytes, one of bytes has eight. */
function countOf([column]: readonly Buffer[]): number {
  if (column?.length === 4) return column.readUInt32BE();
  if (column?.length === 8) return Number(column.readBigUInt64BE());
  throw new StoreCorruptError("a count has too few columns");
}

function useCountOf([window, uses]: readonly Buffer[]): UseCount {
  if (window === undefined || uses === undefined)
    throw new StoreCorruptError("a count of uses has too few columns");
  return { window: Number(window.readBigUInt64BE()), uses: Number(uses.readBigUInt64BE()) };
}

/** What the statement did not look for although a record leads to it: a clear column is not what was written. */
function requested<K>(found: ReadonlyMap<K, Buffer | undefined>, key: K, what: string): Buffer | undefined {
  if (!found.has(key)) throw new StoreCorruptError(`${what} was not loaded that a decision reads`);
  return found.get(key);
}
