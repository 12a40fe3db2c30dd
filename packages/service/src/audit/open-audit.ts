import type { ChangeAuditOptions } from "./change-audit.ts";
import type { AuditWriter } from "./writer.ts";

/** The audit trail of a process, open. */
export interface OpenAudit extends Pick<ChangeAuditOptions, "nextChange" | "onMoved" | "sync"> {
  readonly writer: AuditWriter;
}
