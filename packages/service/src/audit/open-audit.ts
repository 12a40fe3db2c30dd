import type { ChangeAuditOptions } from "./change-audit.ts";
import type { AuditWriter } from "./writer.ts";

/** The audit trail of a process, open. */
export interface OpenAudit extends Pick<ChangeAuditOptions, "nextChange" | "onMoved" | "sync"> {
  readonly writer: AuditWriter;
  /** Whether the last flush of a required trail has failed, so that lines may be lost with the machine. */
  readonly isFlushFailing: () => boolean;
}
