import type { Authority } from "capability-protocol";
import { createContextScheduler } from "../egress/context-scheduler.ts";
import type { ChangeAudit } from "../audit/change-audit.ts";
import type { EgressPolicy } from "../egress/policy.ts";
import type { ManagementEndpointContext } from "../http/management-endpoint.ts";
import { createBufferBudget } from "../invocation/buffer-budget.ts";
import type { AccountRegistry } from "../invocation/usage-accounts.ts";
import type { BodyOptions } from "../invocation/request-body.ts";
import { createChanges } from "../management/changes.ts";
import type { EventLoopScheduler } from "../collections/event-loop-scheduler.ts";
import { createPageScheduler } from "../management/page-scheduler.ts";
import { drawRandomBytes } from "../random-bytes.ts";
import type { Vault } from "../store/vault.ts";
import type { ServiceConfig, ServiceOptions } from "./options.ts";

/** Each tenant's exports may take a tenth of the time on reading certificates; further exports wait. */
const EXPORT_PAUSE_FACTOR = 10;

export interface ControlPlaneParts {
  readonly vault: Vault;
  readonly policy: EgressPolicy;
  readonly bodies: BodyOptions;
  readonly accountRegistry: AccountRegistry;
  readonly isOwn: (authority: Authority) => boolean;
  readonly onRevoked: () => void;
  /** Absent without an audit trail. */
  readonly changeAudit: ChangeAudit | undefined;
  readonly loopTurns: EventLoopScheduler;
}

/** What the operations of the service itself need. Their schedulers and budgets are apart from those of invocations. */
export function createControlPlane(
  { authority, limits }: Pick<ServiceConfig, "authority" | "limits">,
  { store, log, now }: Pick<ServiceOptions, "store" | "log" | "now">,
  { accountRegistry, ...parts }: ControlPlaneParts,
): ManagementEndpointContext {
  return {
    ...parts,
    store,
    changes: createChanges(store, log.changed, parts.changeAudit),
    authority,
    pageScheduler: createPageScheduler(limits.maxWaitingPagesPerTenant, parts.loopTurns),
    scheduleFairly: createContextScheduler({ pauseFactor: EXPORT_PAUSE_FACTOR }).run,
    random: drawRandomBytes,
    now,
    headerBytes: limits.headerBytes,
    bufferBudget: createBufferBudget(limits.managementBufferedBytesTotal, "managementBytes", accountRegistry),
    bodyLimit: limits.managementBodyBytes,
    maxJsonDepth: limits.maxJsonDepth,
  };
}
