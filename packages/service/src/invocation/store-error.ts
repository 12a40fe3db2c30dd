import { AuditUnavailableError } from "../domain/audit-unavailable.ts";
import type { Denial } from "../domain/denial.ts";
import { RecordTooNewError, StoreBusyError, StoreFailedError, StoreFullError } from "../store/store.ts";

/** The refusal for an error of the store or of the audit trail, which the store has logged; nothing for any other error. */
export function denialForStoreError(error: unknown): Denial | undefined {
  if (error instanceof StoreBusyError) return { reason: "store_unavailable" };
  if (error instanceof StoreFullError) return { reason: "store_full" };
  if (error instanceof StoreFailedError) return { reason: "store_failed" };
  if (error instanceof AuditUnavailableError) return { reason: "audit_unavailable" };
  return error instanceof RecordTooNewError ? { reason: "record_too_new" } : undefined;
}
