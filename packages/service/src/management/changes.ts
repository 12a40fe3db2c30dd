import type { Result } from "capability-protocol";
import type { ChangeAudit } from "../audit/change-audit.ts";
import type { AuditedAction, AuditedChange } from "../audit/entry.ts";
import type { AuditHead } from "../domain/audit-head.ts";
import type { Capability } from "../domain/capability.ts";
import type { Actor, RecordedChange } from "../domain/change.ts";
import { subjectOfRecords } from "../domain/change.ts";
import type { CreationDenial } from "../domain/creation.ts";
import { denialOfCreation } from "../domain/creation-denial.ts";
import type { Uid } from "../domain/uid.ts";
import type { Denial } from "../domain/denial.ts";
import type { UseCounter } from "../domain/use-counter.ts";
import { errorCode } from "../error-code.ts";
import type { StoredCapability, StoredRecord } from "../store/record.ts";
import type { CreationOptions, RevocationDenial, Store } from "../store/store.ts";
import { RecordTooNewError, StoreFullError } from "../store/store.ts";

/** A store without the operations that change it. */
export type StoreReader = Omit<
  Store,
  "create" | "countUse" | "revoke" | "rekeyTenant" | "rekeyCapability" | "sweep" | "close"
>;

/** Records a change. It must not throw, since the change has been made. */
export type RecordChange = (change: RecordedChange) => void;

/** The writes of a store, each recorded. Only this module calls them on the store itself. */
export interface Changes {
  create(
    actor: Actor,
    records: readonly StoredRecord[],
    options?: CreationOptions,
  ): Promise<Result<void, CreationDenial>>;
  /**
   * Counts the use of a capability that only reads, in its turn, and waits until all that it has read is on disk. Nothing is recorded.
   *
   * @param counters absent if nothing counts it.
   */
  countRead(
    reader: Capability,
    counters: readonly UseCounter[] | undefined,
  ): Promise<Result<void, CreationDenial>>;
  /** Lists what a tenant has. Nothing changes, and the audit trail records that capabilities were handed out. */
  list<T>(actor: Actor, tenant: Uid, list: () => Promise<Result<T, Denial>>): Promise<Result<T, Denial>>;
  rekeyTenant(
    actor: Actor,
    tenant: Uid,
    publicKey: Buffer,
    capabilities: readonly StoredCapability[],
  ): Promise<Result<void, CreationDenial>>;
  /** Revokes the membrane, or the tenant if there is none. */
  revoke(actor: Actor, root: RevocationRoot): ReturnType<Store["revoke"]>;
}

/** What is revoked: a membrane, whose tenant may be known, or a tenant. */
export type RevocationRoot = { readonly membrane: Uid; readonly tenant?: Uid } | { readonly tenant: Uid };

/** @param audit absent: there is no audit trail. */
export function createChanges(store: Store, record: RecordChange, audit?: ChangeAudit): Changes {
  return {
    create(actor, records, options) {
      const change = { action: "create", actor, ...subjectOfRecords(records) } as const;
      return audited(audit, actionOf(records), change, reasonOfCreation, (auditHead) =>
        recorded(record, change, store.create(records, { ...options, auditHead })),
      );
    },
    // A creation without records counts its use, and waits for the disk as every write does.
    countRead: (reader, useCounters) => store.create([], { turn: reader, useCounters }),
    list: (actor, tenant, list) =>
      audited(audit, "query", { actor, tenant, capabilities: [] }, reasonOf, () => list()),
    rekeyTenant(actor, tenant, publicKey, capabilities) {
      const subject = subjectOfRecords(capabilities);
      const change = { action: "rekey", actor, ...subject, tenant } as const;
      return audited(audit, "rekey", change, reasonOfCreation, (auditHead) =>
        recorded(record, change, store.rekeyTenant(tenant, publicKey, capabilities, auditHead)),
      );
    },
    revoke(actor, root) {
      const by = actor.kind === "operator" ? "operator" : actor.capability;
      const change = { action: "revoke", actor, ...root, capabilities: [] } as const;
      const uid = "membrane" in root ? root.membrane : root.tenant;
      return audited(audit, "membrane" in root ? "revoke" : "delete", change, reasonOf, (auditHead) =>
        recorded(record, change, store.revoke(uid, by, auditHead)),
      );
    },
  };
}

/** The same writes, each of them measured: for one request. */
export function measureChanges(changes: Changes, measure: <T>(write: Promise<T>) => Promise<T>): Changes {
  return {
    create: (...args) => measure(changes.create(...args)),
    countRead: (...args) => measure(changes.countRead(...args)),
    // It is not a write; those within it are measured.
    list: changes.list,
    rekeyTenant: (...args) => measure(changes.rekeyTenant(...args)),
    revoke: (...args) => measure(changes.revoke(...args)),
  };
}

/** What a creation is called in the audit trail. A target that another service has is exported, too. */
function actionOf(records: readonly StoredRecord[]): AuditedAction {
  const types = new Set(records.map(({ type }) => type));
  if (types.has("tenant")) return "provision";
  if (types.has("membrane")) return "create";
  return types.has("target") ? "export" : "re-export";
}

/** Writes the first line before `act` begins, and the other one when it has ended. */
async function audited<T, E>(
  audit: ChangeAudit | undefined,
  action: AuditedAction,
  change: AuditedChange,
  nameReason: (denial: E) => string,
  act: (head: AuditHead | undefined) => Promise<Result<T, E>>,
): Promise<Result<T, E>> {
  if (audit === undefined) return act(undefined);
  const beginning = audit.begin(action, change);
  const begun = beginning instanceof Promise ? await beginning : beginning;
  try {
    const result = await act(begun.head);
    audit.end(begun, result.ok ? DONE : { outcome: "denied", reason: nameReason(result.error) });
    return result;
  } catch (error) {
    const outcome = isUnchanged(error) ? "failed" : "unknown";
    audit.end(begun, { outcome, reason: errorCode(error) ?? "internal_error" });
    throw error;
  }
}

/**
 * What a denial is called on the wire. A dead lineage has several names there: it may be that of the caller, or of a capability that
 * was to be re-exported.
 */
function reasonOfCreation(denial: CreationDenial): string {
  return denial.reason === "lineage_dead" ? denial.reason : denialOfCreation(denial).reason;
}

function reasonOf({ reason }: Denial | RevocationDenial): string {
  return reason;
}

const DONE = { outcome: "done" } as const;

/** Records a change once it has been made, or when it is unknown whether it has. */
async function recorded<E>(
  record: RecordChange,
  change: Omit<RecordedChange, "outcome">,
  write: Promise<Result<void, E>>,
): Promise<Result<void, E>> {
  const result = await write.catch((error: unknown) => {
    if (!isUnchanged(error)) record({ outcome: "unknown", ...change });
    throw error;
  });
  if (result.ok) record({ outcome: "done", ...change });
  return result;
}

function isUnchanged(error: unknown): boolean {
  return error instanceof StoreFullError || error instanceof RecordTooNewError;
}
