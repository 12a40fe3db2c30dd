import type { DataConfig } from "../config.ts";
import type { Engine } from "../store/engine.ts";
import type { ServiceKeys } from "../store/keys.ts";
import type { LmdbEngineOptions } from "../store/lmdb/engine.ts";
import { StoreCorruptError, StoreFormatError } from "../store/store.ts";
import type { EventLog } from "../telemetry/events.ts";
import { fingerprint } from "../telemetry/fingerprint.ts";

/** Where a store is, or will be made. */
export interface StorePlace {
  /** For messages. */
  readonly name: string;
  /** Whether a store was made there. Makes nothing. */
  exists(): Promise<boolean>;
  /**
   * Checks that a store can be made there, before a key is made for it. Makes nothing.
   *
   * @throws ConfigError that says what to do.
   */
  checkNew(): Promise<void>;
  /** Opens the store, and makes it if there is none. */
  open(context: StoreContext): Promise<Engine>;
}

/** What a store is opened with. */
export interface StoreContext {
  readonly keys: ServiceKeys;
  /** Whether this process serves: then a revoke by any process waits until this one has applied it. */
  readonly serves: boolean;
  readonly log: StoreLog;
  readonly limits: DataConfig["limits"];
}

/** What an open store reports. */
export type StoreLog = Pick<EventLog, "storeStateChanged" | "recordTooNew" | "revocationsLost">;

export function reportsTo(log: StoreLog): Pick<LmdbEngineOptions, "report" | "onRecordTooNew"> {
  return {
    report: log.storeStateChanged,
    onRecordTooNew: (record) => log.recordTooNew({ record: fingerprint(record) }),
  };
}

/** Whether the message of an error from opening a store tells the operator what to do. */
export function isExplained(error: unknown): boolean {
  return error instanceof StoreFormatError || error instanceof StoreCorruptError;
}
