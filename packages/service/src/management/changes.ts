import type { Result } from "capability-protocol";
import type { Capability } from "../domain/capability.ts";
import type { Actor, RecordedChange } from "../domain/change.ts";
import { subjectOfRecords } from "../domain/change.ts";
import type { CreationDenial } from "../domain/creation.ts";
import type { Uid } from "../domain/uid.ts";
import type { UseCounter } from "../domain/use-counter.ts";
import type { StoredCapability, StoredRecord } from "../store/record.ts";
import type { CreationOptions, Store } from "../store/store.ts";
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

export function createChanges(store: Store, record: RecordChange): Changes {
  return {
    create(actor, records, options) {
      const change = { action: "create", actor, ...subjectOfRecords(records) } as const;
      return recorded(record, change, store.create(records, options));
    },
    // A creation without records counts its use, and waits for the disk as every write does.
    countRead: (reader, useCounters) => store.create([], { turn: reader, useCounters }),
    rekeyTenant(actor, tenant, publicKey, capabilities) {
      const subject = subjectOfRecords(capabilities);
      const write = store.rekeyTenant(tenant, publicKey, capabilities);
      const change = { action: "rekey", actor, ...subject, tenant } as const;
      return recorded(record, change, write);
    },
    revoke(actor, root) {
      const by = actor.kind === "operator" ? "operator" : actor.capability;
      const write = store.revoke("membrane" in root ? root.membrane : root.tenant, by);
      const change = { action: "revoke", actor, ...root, capabilities: [] } as const;
      return recorded(record, change, write);
    },
  };
}

/** The same writes, each of them measured: for one request. */
export function measureChanges(changes: Changes, measure: <T>(write: Promise<T>) => Promise<T>): Changes {
  return {
    create: (...args) => measure(changes.create(...args)),
    countRead: (...args) => measure(changes.countRead(...args)),
    rekeyTenant: (...args) => measure(changes.rekeyTenant(...args)),
    revoke: (...args) => measure(changes.revoke(...args)),
  };
}

/** Records a change once it has been made, or when it is unknown whether it has. */
async function recorded<E>(
  record: RecordChange,
  change: Omit<RecordedChange, "outcome">,
  write: Promise<Result<void, E>>,
): Promise<Result<void, E>> {
  const result = await write.catch((error: unknown) => {
    const isUnchanged = error instanceof StoreFullError || error instanceof RecordTooNewError;
    if (!isUnchanged) record({ ...change, outcome: "unknown" });
    throw error;
  });
  if (result.ok) record({ ...change, outcome: "done" });
  return result;
}
