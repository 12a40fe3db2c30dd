import type { AuditedRequest } from "../domain/audited-request.ts";
import type { RecordedChange } from "../domain/change.ts";
import type { Uid } from "../domain/uid.ts";
import type { ExchangeReport } from "../domain/exchange-report.ts";
import { fingerprint } from "../telemetry/fingerprint.ts";

/*
 * What the lines of the audit trail say, field by field: an object with more properties writes no more. Records appear by their
 * fingerprints, as in the log. No token, header, body or address of a target is in a line, nor a name that a client has chosen.
 */

/** What a change or a listing does. */
export type AuditedAction =
  | "provision"
  | "create"
  | "export"
  | "re-export"
  | "query"
  | "rekey"
  | "revoke"
  | "delete";

/** A change before it is made. */
export type AuditedChange = Omit<RecordedChange, "outcome" | "action">;

/** How a change ended. `unknown`: the store failed to acknowledge it, and it may have taken effect. */
export type AuditedOutcome =
  | { readonly outcome: "done" }
  | { readonly outcome: "denied" | "failed" | "unknown"; readonly reason: string };

/** A request that was refused; without a capability that was recognized, only what is known of any request. */
export interface RefusedRequest {
  readonly request: AuditedRequest | Omit<AuditedRequest, "capability" | "lineage">;
  readonly status: number;
  readonly reason: string;
}

/** How an invocation ended that has reached its target. */
export interface EndedInvocation {
  /** Of the response to the client; absent if it got none. */
  readonly status?: number;
  readonly outcome: "completed" | "failed" | "aborted" | "client-disconnected";
  /** Why it failed, by its wire code. */
  readonly reason?: string;
  readonly report: ExchangeReport | undefined;
}

export function describeRequest(request: RefusedRequest["request"]): object {
  return {
    request: request.requestId,
    capability: "capability" in request ? fingerprint(request.capability) : undefined,
    lineage: "lineage" in request ? fingerprintsOf(request.lineage) : undefined,
    tenant: request.tenant && fingerprint(request.tenant),
    membrane: request.membrane && fingerprint(request.membrane),
    client: request.client,
    method: request.method,
    traceparent: request.traceparent,
  };
}

/** @param number of the change in its writer, which its end repeats. */
export function describeBegin(number: number, action: AuditedAction, change: AuditedChange): object {
  const { actor, tenant, membrane, capabilities } = change;
  return {
    change: number,
    action,
    ...(actor.kind === "operator" ? { command: actor.command } : describeCaller(actor)),
    ...(tenant === undefined ? {} : { tenant: fingerprint(tenant) }),
    ...(membrane === undefined ? {} : { membrane: fingerprint(membrane) }),
    created: capabilities.length === 0 ? undefined : capabilities.map(fingerprint),
  };
}

function describeCaller(actor: Extract<AuditedChange["actor"], { kind: "capability" }>): object {
  return actor.request === undefined
    ? { request: actor.requestId, capability: fingerprint(actor.capability) }
    : describeRequest(actor.request);
}

export function describeEnd(
  { number, action }: { readonly number: number; readonly action: AuditedAction },
  outcome: AuditedOutcome,
): object {
  const reason = outcome.outcome === "done" ? undefined : outcome.reason;
  return { change: number, action, outcome: outcome.outcome, reason };
}

export function describeRefusal({ request, status, reason }: RefusedRequest): object {
  return { ...describeRequest(request), status, reason };
}

export function describeInvocation(
  request: AuditedRequest,
  { status, outcome, reason, report }: EndedInvocation,
): object {
  return {
    ...describeRequest(request),
    status,
    outcome,
    reason,
    upstreamStatus: report?.upstreamStatus,
    bytes: report?.forwardedBytes ?? 0,
    receivedBytes: report?.receivedBytes,
    durationMs: report === undefined ? undefined : Math.round(report.elapsedMs()),
  };
}

/** Lineages of cached resolutions are used many times. */
const LINEAGES = new WeakMap<object, readonly string[]>();

function fingerprintsOf(lineage: Iterable<Uid>): readonly string[] {
  const known = LINEAGES.get(lineage);
  if (known !== undefined) return known;
  const computed = Array.from(lineage, fingerprint);
  LINEAGES.set(lineage, computed);
  return computed;
}

/** A line has a limit, and a process that was stopped for a while has many revokes at once. */
const MAX_NAMED_REVOKES = 1_024;

/** How many exchanges with targets this process has ended for revokes, or because it does not know what was revoked. */
export function describeCut(revoked: ReadonlySet<Uid> | "everything", exchanges: number): object {
  if (revoked === "everything") return { revoked, exchanges };
  const named = [...revoked].slice(0, MAX_NAMED_REVOKES);
  const unnamed = revoked.size - named.length;
  return { revoked: named.map(fingerprint), ...(unnamed === 0 ? {} : { unnamed }), exchanges };
}

export function describeRekeyed(capability: Uid): object {
  return { capability: fingerprint(capability) };
}

/** How many records a sweep has deleted, which were dead. */
export function describeSweep(deleted: number): object {
  return { deleted };
}
