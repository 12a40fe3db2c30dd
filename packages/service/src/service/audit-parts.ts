import type { ChangeAudit } from "../audit/change-audit.ts";
import { createChangeAudit } from "../audit/change-audit.ts";
import type { AuditedAction } from "../audit/entry.ts";
import { describeCut, describeRekeyed, describeSweep } from "../audit/entry.ts";
import type { InvocationAudit, RefusalAudit } from "../audit/request-audit.ts";
import { createInvocationAudit, createRefusalAudit } from "../audit/request-audit.ts";
import type { Uid } from "../domain/uid.ts";
import { ERRORS } from "../http/error-table.ts";
import type { ServiceConfig, ServiceOptions } from "./options.ts";

/** What a service records. */
export interface AuditParts {
  readonly changes: ChangeAudit;
  readonly refusals: RefusalAudit;
  /** Absent if no invocation is recorded. */
  readonly invocations: InvocationAudit | undefined;
  /** This process has cut this many exchanges for these revokes. */
  cut(revoked: ReadonlySet<Uid> | "everything", exchanges: number): void;
  /** A capability was found by an older service key, and now needs only the newest one. */
  rekeyed(capability: Uid): void;
  /** A sweep of this process has deleted this many records. */
  swept(deleted: number): void;
}

export function createAuditParts(
  { audit: rules, limits }: Pick<ServiceConfig, "audit" | "limits">,
  { audit }: Pick<ServiceOptions, "audit">,
  monotonic: () => number,
): AuditParts | undefined {
  if (audit === undefined || rules === undefined) return undefined;
  const { writer, isFlushFailing } = audit;
  const { invocationShare: share, isRequired } = rules;
  const maxPerMinute = limits.maxAuditedRefusalsPerMinute;
  return {
    changes: createChangeAudit({ ...audit, statusOf, monotonic }),
    refusals: createRefusalAudit({ writer, maxPerMinute, monotonic }),
    invocations:
      share > 0
        ? createInvocationAudit({ writer, share, isRequired, isFlushFailing, random: Math.random })
        : undefined,
    cut: (revoked, exchanges) => writer.record("cut", describeCut(revoked, exchanges)),
    rekeyed: (capability) => writer.record("rekeyed", describeRekeyed(capability)),
    swept: (deleted) => writer.record("swept", describeSweep(deleted)),
  };
}

const DONE: Readonly<Record<AuditedAction, number>> = {
  provision: 201,
  create: 201,
  export: 201,
  "re-export": 201,
  query: 200,
  rekey: 200,
  revoke: 202,
  delete: 202,
};

/** The status of the response to a change. A reason that is not on the wire has none. */
function statusOf(action: AuditedAction, reason: string | undefined): number | undefined {
  if (reason === undefined) return DONE[action];
  return Object.entries(ERRORS).find(([code]) => code === reason)?.[1].status;
}
