import type { Authority } from "capability-protocol";
import type { EgressPolicy } from "../egress/policy.ts";
import type { OpenedCapability, Vault } from "../store/vault.ts";
import type { AuditedRequest } from "../domain/audited-request.ts";
import type { Actor } from "../domain/change.ts";
import type { UseCounter } from "../domain/use-counter.ts";
import type { Changes, StoreReader } from "./changes.ts";
import type { PageScheduler } from "./page-scheduler.ts";

/** A valid capability, and the request that presented it. */
export interface Caller extends Pick<OpenedCapability, "capability" | "payload"> {
  readonly requestId: string;
  /** The trace that the request belongs to; absent if it belongs to none. */
  readonly traceId?: string | undefined;
  /** What its use is counted on, in the transaction of what it does; absent if nothing counts it. */
  readonly useCounters: readonly UseCounter[] | undefined;
  /** What the audit trail says of the request; absent without one. */
  readonly audited?: AuditedRequest | undefined;
}

/** The caller as the author of a change. */
export function actorOf({ capability, requestId, traceId, audited }: Caller): Actor {
  return { kind: "capability", capability: capability.uid, requestId, traceId, request: audited };
}

/** What the operations need. */
export interface ManagementContext {
  readonly store: StoreReader;
  readonly changes: Changes;
  readonly vault: Vault;
  readonly pageScheduler: PageScheduler;
  /** Runs work that blocks the event loop for long, in its owner's turn. */
  readonly scheduleFairly: <T>(owner: string, act: () => T) => Promise<T>;
  readonly random: (size: number) => Uint8Array;
  readonly now: () => Date;
  readonly policy: EgressPolicy;
  /** How many bytes the head of a request to a target may have. */
  readonly headerBytes: number;
  /** The authority in every capability URI that is issued. */
  readonly authority: Authority;
  /** Whether an authority is one of this service. */
  readonly isOwn: (authority: Authority) => boolean;
  /** Called after a revoke by this process, so that open streams end at once. */
  readonly onRevoked: () => void;
}

/** The response of an operation. */
export interface ManagementResponse {
  readonly status: 200 | 201 | 202;
  readonly body: object;
}
