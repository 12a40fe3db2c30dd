import type { MaybePromise } from "../collections/maybe-promise.ts";
import type { AuditHead } from "../domain/audit-head.ts";
import { AuditUnavailableError } from "../domain/audit-unavailable.ts";
import type { AuditedAction, AuditedChange, AuditedOutcome } from "./entry.ts";
import { describeBegin, describeEnd } from "./entry.ts";
import type { AuditWriter, EntryClass } from "./writer.ts";

/** A change whose first line was written, or will be. */
export interface BegunChange {
  /** For the transaction of the change: the store then knows of the line with it. Absent if the line is not in the file. */
  readonly head: AuditHead | undefined;
  readonly number: number;
  readonly action: AuditedAction;
  /** Of a monotonic clock, in milliseconds. */
  readonly since: number;
}

/** Records each change in two lines: before it is made, and how it ended. */
export interface ChangeAudit {
  /** @throws AuditUnavailableError if the change must not be made because it cannot be recorded; never for a revoke. */
  begin(action: AuditedAction, change: AuditedChange): MaybePromise<BegunChange>;
  end(begun: BegunChange, outcome: AuditedOutcome): void;
}

export interface ChangeAuditOptions {
  readonly writer: Pick<AuditWriter, "record" | "recordNow">;
  /** A number that no other change of the writer has. */
  readonly nextChange: () => number;
  /** Called with the head of a change, which moves it itself. */
  readonly onMoved: (head: AuditHead) => void;
  /** Waits until all lines so far are on disk. Absent: a change does not wait, and is made though it cannot be recorded. */
  readonly sync?: (() => Promise<void>) | undefined;
  /** The status of the response to a change that was made, or was not for a reason; absent where there is no response. */
  readonly statusOf?: (action: AuditedAction, reason: string | undefined) => number | undefined;
  /** A monotonic clock, in milliseconds. */
  readonly monotonic: () => number;
}

export function createChangeAudit(options: ChangeAuditOptions): ChangeAudit {
  const { writer, nextChange, onMoved, sync, statusOf, monotonic } = options;
  const syncFirst = async (begun: BegunChange, flush: () => Promise<void>): Promise<BegunChange> => {
    try {
      await flush();
      return begun;
    } catch (cause) {
      // The store must not name what may not be on the disk.
      if (isRevoke(begun.action)) return { ...begun, head: undefined };
      const refused = { outcome: "failed", reason: "audit_unavailable" } as const;
      writer.record("end", describeEnd(begun, refused));
      throw unavailable(cause);
    }
  };

  return {
    begin(action, change) {
      const number = nextChange();
      const mayProceed = sync === undefined || isRevoke(action);
      const fields = describeBegin(number, action, change);
      const head = writer.recordNow("begin", fields, { kind: classOf(action), keep: mayProceed });
      const begun = { head, number, action, since: monotonic() };
      if (head === undefined && !mayProceed) throw unavailable();
      if (head !== undefined) onMoved(head);
      return head === undefined || sync === undefined ? begun : syncFirst(begun, sync);
    },
    end(begun, outcome) {
      const { action, since } = begun;
      const reason = outcome.outcome === "done" ? undefined : outcome.reason;
      const measured = { status: statusOf?.(action, reason), durationMs: Math.round(monotonic() - since) };
      writer.record("end", { ...describeEnd(begun, outcome), ...measured }, classOf(action));
    },
  };
}

/** What ends an action that is not carried out because it cannot be recorded. */
export function unavailable(cause?: unknown): AuditUnavailableError {
  return new AuditUnavailableError(
    "--audit: the file cannot be written, and --audit-required lets nothing be done that it does not record: see to its disk",
    { cause },
  );
}

function isRevoke(action: AuditedAction): boolean {
  return action === "revoke" || action === "delete";
}

function classOf(action: AuditedAction): EntryClass {
  return isRevoke(action) ? "revoke" : "other";
}
