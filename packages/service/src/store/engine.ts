import type { FairOwner } from "../collections/fair-queue.ts";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import type { AuditHead, StoredAuditHeads } from "../domain/audit-head.ts";
import type { Quota } from "../domain/quota.ts";
import type { Uid } from "../domain/uid.ts";
import type { UseCount } from "../domain/use-counter.ts";
import type { ServiceKeys } from "./keys.ts";
import type { StoredCapability, StoredRecord } from "./record.ts";
import type { StoreWatch } from "./store.ts";
import type { Position, RevocationSource } from "./revocation-source.ts";
import type { WriteClass } from "./write-queue.ts";

/*
 * The port between the operations of the store (`operations/`), which decide, and an engine, which loads and applies. Each
 * operation says what it needs (a request), decides purely from a snapshot that has it, and returns a list of changes.
 */

/** Keeps records and their indexes, with the revocation log. */
export interface Engine extends RevocationSource, StoreWatch {
  /** A random name of what is stored, 32 hex digits. */
  readonly id: string;

  /** The service keys that it needs. */
  readonly keys: ServiceKeys;

  /**
   * The last failure of asking for the {@link position}, since it was known. After a StoreFormatError it will not be known any more:
   * the process must end.
   */
  positionFailure(): unknown;

  /** Whether no record was ever stored. */
  isEmpty(): MaybePromise<boolean>;

  /** Where the writers of the audit trail are, now. */
  auditHeads(): MaybePromise<StoredAuditHeads>;

  /** Decides from a snapshot that has what `request` names. All of it is of one moment, and none older than this call. */
  read<T>(request: ReadRequest, decide: (snapshot: Snapshot) => T): MaybePromise<T>;

  /**
   * Decides from a snapshot and applies the changes in the order given, all in one transaction. Resolves when they, and all
   * that the decision read, are on disk. If `decide` throws, nothing is changed.
   *
   * @param decide may be called again with a newer snapshot, if the transaction has to be repeated.
   * @throws StoreBusyError if that was not done in time.
   * @throws StoreFullError if there is no space; nothing was written.
   * @throws StoreFailedError if it was not written, or may not be on disk.
   */
  write<T>(request: WriteRequest, decide: (snapshot: WriteSnapshot) => Decision<T>): Promise<T>;

  /** Waits for writes in flight, then closes; a write that does not end in time is abandoned. */
  close(): Promise<void>;
}

/** What a decision returns: its result, and what is to be changed with it. */
export interface Decision<T> {
  readonly result: T;
  readonly changes: readonly Change[];
}

/** A name of a tenant in the service (`owner` is absent), or of a membrane in its tenant. */
export interface OwnedName {
  readonly owner?: Uid | undefined;
  readonly name: string;
}

/** Names of one owner in the order of their UTF-8 bytes. */
export interface NamePage {
  readonly owner?: Uid | undefined;
  /** Only names after this one. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/**
 * What a snapshot must have. An engine inside the process may read it when a decision does; one over a network loads it in one
 * statement. Each record that is named, by whatever leads to it, comes with all that it depends on, transitively.
 */
export interface ReadRequest {
  readonly lookupIds?: readonly Buffer[];
  readonly uids?: readonly Uid[];
  readonly names?: readonly OwnedName[];
  readonly page?: NamePage;
  /** Capabilities whose counts of uses are read, and not their records. */
  readonly uses?: readonly Uid[];
  readonly dependents?: DependentsRequest;
}

/** The first of what depends on a record directly. */
export interface DependentsRequest {
  readonly of: Uid;
  /** Without what ignores that the record itself is revoked (`ignoresRevocation` in `domain/lineage.ts`). */
  readonly asRevoked: boolean;
  readonly limit: number;
}

/**
 * What a snapshot for a write must have, and what the order of writes depends on. Each tenant and each membrane in it comes
 * with the holder of its name and with its stored bytes.
 */
export interface WriteRequest extends ReadRequest {
  readonly quotas?: readonly Quota[];
  /** Tenants and membranes that it will probably change. */
  readonly replaces?: readonly Uid[];
  readonly sweep?: SweepRequest;
  readonly class: WriteClass;
  /** In whose turn it is written. */
  readonly owner: FairOwner;
  /** How many records it may add (or counters it may change), and how many sealed bytes they have in all. */
  readonly size: { readonly records: number; readonly sealedBytes: number };
}

/**
 * What a decision reads, all of one moment. A decision reads nothing that its request did not name.
 *
 * @throws StoreCorruptError where a row is not what was written.
 * @throws RecordTooNewError where a record was written by a newer program.
 */
export interface Snapshot {
  /** Where the revocation log ends. */
  position(): Position;
  record(uid: Uid): StoredRecord | undefined;
  capability(lookupId: Buffer): StoredCapability | undefined;
  /** The tenant or membrane that has a name. */
  holderOf(name: OwnedName): Uid | undefined;
  /** Fewer than the page's limit: none follows. */
  names(page: NamePage): readonly NameEntry[];
  /** How often a capability was used that counts its uses. */
  uses(uid: Uid): UseCount | undefined;
  /** Each once. Fewer than the limit: none follows. */
  dependents(request: DependentsRequest): readonly Dependent[];
}

export interface NameEntry {
  readonly name: string;
  readonly holder: Uid;
}

/** What a decision about changes reads. An engine that keeps no count for an owner counts what there is. */
export interface WriteSnapshot extends Snapshot {
  /** How many records count against a quota. */
  countOwned(quota: Quota): number;
  /** How many bytes a membrane or a tenant takes. */
  storedBytes(owner: Uid): number;
  /** The first entries of the sweep's queue. Fewer than the limit: none follows. */
  sweepEntries(request: SweepRequest): Iterable<SweepEntry>;
  /** The capabilities that expired first. Fewer than the limit: none follows. */
  expired(request: SweepRequest): Iterable<ExpiredCapability>;
}

/** What a sweep reads: as many entries of its queue as the limit, as many dependents of each, and as many expired capabilities. */
export interface SweepRequest {
  readonly limit: number;
  /** Capabilities that expired before this time, in milliseconds since 1970. */
  readonly expiredBefore: number;
}

/** A node that is dead, and whose dependents are to be removed. */
export interface SweepEntry {
  readonly uid: Uid;
  /** It was revoked itself: what ignores that (`ignoresRevocation` in `domain/lineage.ts`) stays. */
  readonly isRoot: boolean;
  /** Each once, and those left out that stay; at most as many as entries. Fewer: none follows. */
  readonly dependents: Iterable<Dependent>;
}

export interface Dependent {
  readonly uid: Uid;
  /** Whether anything depends on it. */
  hasDependents(): boolean;
}

export interface ExpiredCapability extends Dependent {
  readonly expiresAt: number;
}

/** One step of a write. An engine carries it out and decides nothing. */
export type Change =
  /** Stores a new record, with the rows that lead to it by its lookup id, by the time it expires, and by each of its dependencies. */
  | { readonly type: "insert"; readonly record: StoredRecord }
  /** Replaces the columns of a record that is there; what it points to stays. */
  | { readonly type: "update"; readonly record: StoredRecord }
  /** As `update`, for a capability that gets another lookup id, under the newest service key. */
  | { readonly type: "replaceLookup"; readonly record: StoredCapability; readonly from: Buffer }
  /** The inverse of `insert`. */
  | { readonly type: "remove"; readonly record: StoredRecord }
  /** Removes the rows that say that `dependent` depends on `uid`, when there is no such record. */
  | { readonly type: "removeDependency"; readonly uid: Uid; readonly dependent: Uid }
  /** Removes the row that says when `uid` expires, when there is no such record. */
  | { readonly type: "removeExpiry"; readonly uid: Uid; readonly expiresAt: number }
  /** Gives a name to a tenant or a membrane, whichever had it before. */
  | { readonly type: "takeName"; readonly name: OwnedName; readonly holder: Uid }
  | { readonly type: "releaseName"; readonly name: OwnedName }
  /** Changes a count, to zero at the least. One that is not kept is counted first if it grows, and left alone if it shrinks. */
  | { readonly type: "addToCount"; readonly quota: Quota; readonly by: number }
  | { readonly type: "dropCount"; readonly quota: Quota }
  /** As `addToCount`. */
  | { readonly type: "addStoredBytes"; readonly owner: Uid; readonly by: number }
  | { readonly type: "dropStoredBytes"; readonly owner: Uid }
  | { readonly type: "putUses"; readonly uid: Uid; readonly count: UseCount }
  /** Also for a capability that counts none. */
  | { readonly type: "dropUses"; readonly uid: Uid }
  /** Appends to the revocation log. */
  | { readonly type: "appendToLog"; readonly uid: Uid }
  /** Drops at most `limit` entries of the log that no reader needs any more. */
  | { readonly type: "trimLog"; readonly limit: number }
  | { readonly type: "queueSweep"; readonly uid: Uid; readonly isRoot: boolean }
  | { readonly type: "unqueueSweep"; readonly uid: Uid }
  /** Puts the head of a writer of the audit trail in the place of its earlier ones; one that is not newer changes nothing. */
  | { readonly type: "moveAuditHead"; readonly head: AuditHead }
  /** Drops this head of a writer of the audit trail. */
  | { readonly type: "dropAuditHead"; readonly head: Pick<AuditHead, "writer" | "sequence"> }
  /** Makes the write wait for the disk although it changes nothing: what it read may be a commit that is not on disk yet. */
  | { readonly type: "forceCommit" };
