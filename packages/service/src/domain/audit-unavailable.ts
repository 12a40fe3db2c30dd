/** The audit trail cannot be written, and is required: nothing was done. The message is for the operator. */
export class AuditUnavailableError extends Error {
  override readonly name = "AuditUnavailableError";
  readonly code = "audit_unavailable";
}
