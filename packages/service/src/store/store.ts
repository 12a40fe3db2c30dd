import type { Result } from "capability-protocol";
import type { FairOwner } from "../collections/fair-queue.ts";
import type { AuditHead, StoredAuditHeads } from "../domain/audit-head.ts";
import type { Capability } from "../domain/capability.ts";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import type { FindKnown, Verdict } from "../domain/lineage.ts";
import type { CreationDenial } from "../domain/creation.ts";
import type { Uid } from "../domain/uid.ts";
import type { UseCounter, UseDenial } from "../domain/use-counter.ts";
import type { StoredCapability, StoredMembrane, StoredRecord, StoredTarget, StoredTenant } from "./record.ts";
import type { Position, RevocationSource } from "./revocation-source.ts";

/** What is alive and ends with a membrane or a tenant, besides what belongs to it from the beginning. */
export interface Descendants {
  /** Those that went through a membrane. */
  readonly capabilities: number;
  readonly membranes: number;
  readonly tenants: number;
  /** Whether there are no more. */
  readonly isComplete: boolean;
}

/** What may belong to a creation besides its records. */
export interface CreationOptions {
  /** In whose turn they are created. Default: the capability that made the first of the records. */
  readonly turn?: Capability;
  /** Those of the new capabilities whose uses are counted: their counters begin with them. */
  readonly newCounters?: readonly Uid[] | undefined;
  /** The counters of the use that creates them: it is counted with them, or nothing is created. */
  readonly useCounters?: readonly UseCounter[] | undefined;
  /** The line of the audit trail that says what is created: the store knows of it with the records. */
  readonly auditHead?: AuditHead | undefined;
}

/** Why a revoke is denied. */
export interface RevocationDenial {
  /** The capability that revokes does not work, or what it would revoke does not exist. */
  readonly reason: "lineage_dead";
}

/** What a lookup id leads to, with the position up to which no revoke is missed. */
export interface FoundCapability {
  readonly capability: StoredCapability;
  readonly verdict: Verdict;
  /** The target of an `invoke` capability. */
  readonly target?: StoredTarget;
  readonly position: Position;
}

/** What this process knows of lineages without reading them. */
export interface KnownLineages {
  /** Where the log ended when all of it was known to hold. */
  position(): Position;
  readonly find: FindKnown;
}

/** One page of the membranes of a tenant that are alive, ordered by name (UTF-8 bytes). */
export interface MembranePage {
  readonly membranes: readonly StoredMembrane[];
  /** Nothing follows. */
  readonly completed: boolean;
}

export interface MembranePageRequest {
  /** Only membranes whose tokens are sealed to this key: those that the asking `query` can open. */
  readonly recipientKey?: Buffer;
  /** Only the membrane of this name. */
  readonly id?: string;
  /** Only what follows this name. */
  readonly lastId?: string;
  readonly limit: number;
}

/**
 * A write was not acknowledged in time, or too many wait already. It may still take effect if it had its turn; a repeat is safe.
 */
export class StoreBusyError extends Error {
  override readonly name = "StoreBusyError";
  readonly code = "store_unavailable";
}

/** No room for a write, other than a revoke. Nothing was written. */
export class StoreFullError extends Error {
  override readonly name = "StoreFullError";
  readonly code = "store_full";
}

/** A write or its flush failed. It may have taken effect, and may be gone after a crash of the machine: it is not acknowledged. */
export class StoreFailedError extends Error {
  override readonly name = "StoreFailedError";
  readonly code = "store_failed";
}

/**
 * Whether a store that cannot be read is out of reach or has failed, which is no defect of the program: the loss of the lease, or the
 * state of the store, is logged.
 */
export function isStoreOutage(error: unknown): boolean {
  return error instanceof StoreBusyError || error instanceof StoreFailedError;
}

/** Whether writing is possible. `cause` is the code of the error that prevents it, such as `ENOSPC`. */
export type StoreCondition =
  | { readonly state: "writable" }
  | { readonly state: "full" | "failed"; readonly cause: string };

/** What is in the store is not what was written there. Such a row is never used. */
export class StoreCorruptError extends Error {
  override readonly name = "StoreCorruptError";
  readonly code = "store_corrupt";
}

/**
 * A newer version of the program wrote this record. What depends on it waits for that version; everything else works.
 */
export class RecordTooNewError extends Error {
  override readonly name = "RecordTooNewError";
  readonly code = "record_too_new";
  readonly record: Uid;

  constructor(record: Uid) {
    super("a newer version of the program wrote a record");
    this.record = record;
  }
}

/** The store cannot be used by this program with this key. The message tells the operator why. */
export class StoreFormatError extends Error {
  override readonly name = "StoreFormatError";
  readonly code = "store_format";
}

/** What an operator watches of a store. */
export interface StoreStatus {
  /** Revoked records whose dependents are still to be deleted. */
  readonly sweepBacklog: number;
  /** Bytes that are in use. */
  readonly sizeBytes: number;
  /** Bytes that may still be written before it is full; absent if it cannot say. */
  readonly roomBytes?: number;
}

/** What is known of a store in addition to what it stores. */
export interface StoreWatch {
  /** It may ask the disk or the server. */
  status(): Promise<StoreStatus>;
  /**
   * How old the lease is, in milliseconds: since its last confirmed renewal was sent, whether it is still in force or not.
   *
   * @returns nothing if the store needs no lease, or this process never had one.
   */
  leaseAgeMs(): number | undefined;
}

/**
 * Keeps tenants, membranes, targets and capabilities. An engine inside the process has a result at once, one over a network later.
 * Every operation but a list is one transaction; what a promise acknowledges is on disk. A row that was edited, moved or swapped
 * is a {@link StoreCorruptError}.
 */
export interface Store extends RevocationSource, StoreWatch {
  /** A random name of this store, 32 hex digits: tells one service from another. */
  readonly id: string;

  /**
   * The last failure of asking for the {@link position}, since it was known. After a StoreFormatError it will not be known any more:
   * the process must end.
   */
  positionFailure(): unknown;

  /** @param lookupIds what a presented token leads to under each service key, newest first: the first that is there counts. */
  find(...lookupIds: readonly Buffer[]): MaybePromise<FoundCapability | undefined>;

  /** As {@link find}, but what is known of its lineage is not read. */
  findBelow(known: KnownLineages, ...lookupIds: readonly Buffer[]): MaybePromise<FoundCapability | undefined>;

  isAlive(uid: Uid): MaybePromise<boolean>;

  /** Nothing was ever made here. */
  isEmpty(): MaybePromise<boolean>;

  tenant(uid: Uid): MaybePromise<StoredTenant | undefined>;

  membrane(uid: Uid): MaybePromise<StoredMembrane | undefined>;

  /** Counts what would end if a membrane or a tenant were revoked. */
  descendants(root: Uid): Promise<Descendants>;

  /** Tenants that are alive, ordered by name. */
  tenants(): MaybePromise<readonly StoredTenant[]>;

  membranes(tenant: Uid, page: MembranePageRequest): MaybePromise<MembranePage>;

  /**
   * Creates records together or not at all; all they point to must be alive in the same transaction. A capability whose
   * lookup id is there already is left as it is, so that what is derived twice is created once.
   */
  create(records: readonly StoredRecord[], options?: CreationOptions): Promise<Result<void, CreationDenial>>;

  /**
   * Counts a use on all counters, or on none.
   *
   * @param counters of different capabilities.
   * @param owner in whose turn it is written.
   */
  countUse(counters: readonly UseCounter[], owner: FairOwner): Promise<Result<void, UseDenial>>;

  /** Reads whether a use would be refused now, and counts nothing. */
  checkUse(counters: readonly UseCounter[]): MaybePromise<Result<void, UseDenial>>;

  /**
   * Replaces a tenant's public key and creates capabilities, in one transaction.
   *
   * @param auditHead as in {@link CreationOptions}.
   */
  rekeyTenant(
    tenant: Uid,
    publicKey: Buffer,
    capabilities: readonly StoredCapability[],
    auditHead?: AuditHead,
  ): Promise<Result<void, CreationDenial>>;

  /**
   * Gives a capability that is alive another lookup id, with its payload sealed anew. Does nothing if it has it by now, is dead, or
   * is gone.
   *
   * @param from as it was found.
   * @param to under the newest service key.
   * @param owner in whose turn it is written.
   * @returns whether it was replaced.
   */
  rekeyCapability(
    from: StoredCapability,
    to: Pick<StoredCapability, "lookupId" | "sealed">,
    owner: FairOwner,
  ): Promise<boolean>;

  /**
   * Revokes a membrane or a tenant, and with it all that descends from it. A repeated revoke has the same result.
   *
   * @param auditHead as in {@link CreationOptions}.
   */
  revoke(root: Uid, actor: Uid | "operator", auditHead?: AuditHead): Promise<Result<void, RevocationDenial>>;

  /** Where the writers of the audit trail are, now. */
  auditHeads(): MaybePromise<StoredAuditHeads>;

  /** Moves the head of a writer of the audit trail, and drops those of others. */
  moveAuditHead(head: AuditHead, dropped?: readonly AuditHead[]): Promise<void>;

  /**
   * Deletes some of what descends from revoked nodes, or expired long ago. Nothing waits for it and nothing depends on it.
   *
   * @param limit how many records one call may delete.
   */
  sweep(limit: number): Promise<SweepReport>;

  /** Waits for writes in flight, then closes; a write that does not end in time is abandoned, with its thread. */
  close(): Promise<void>;
}

export interface SweepReport {
  readonly deleted: number;
  /** More is left to delete. */
  readonly more: boolean;
}
