import type { Err, Ok, Problem, Result } from "capability-protocol";
import { err, ok } from "capability-protocol";

/**
 * Why the service refuses a request, in full. The response says less: one table, `http/error-table.ts`, has every
 * reason with its status.
 */
export type Denial =
  /**
   * The token is absent, malformed, unknown, revoked, expired, not valid yet, used up, or not valid for this client: the client does
   * not learn which.
   */
  | { readonly reason: "unauthorized" }
  /** Too many requests from this client's address had a token that did not work. */
  | { readonly reason: "too_many_auth_failures" }
  | { readonly reason: "malformed_request"; readonly message: string }
  | { readonly reason: "invalid_field"; readonly problem: Problem }
  | { readonly reason: "invalid_capability" }
  /** The limits of the capability to be re-exported forbid it. */
  | { readonly reason: "not_delegable" }
  /** The client named an operation that is not the one of this capability. */
  | { readonly reason: "wrong_capability"; readonly wanted: string }
  | { readonly reason: "path_not_found" }
  /** The client looks for an authorization server. */
  | { readonly reason: "no_oauth" }
  /** The path breaks a rule, which the message names; it has nothing of the path. */
  | { readonly reason: "invalid_path"; readonly message: string }
  /** With `fixed`, the target is sent that method whatever the client's, and the limits do not allow it. */
  | { readonly reason: "method_not_allowed"; readonly allow: readonly string[]; readonly fixed?: string }
  | { readonly reason: "membrane_exists" }
  | { readonly reason: "tenant_exists" }
  | { readonly reason: "lineage_too_large"; readonly limit: number }
  /** The owner has as many capabilities, membranes or tenants as it may have. */
  | { readonly reason: "membrane_quota_exceeded"; readonly limit: number }
  | { readonly reason: "tenant_quota_exceeded"; readonly limit: number }
  | { readonly reason: "service_quota_exceeded"; readonly limit: number }
  /** The owner's share of the disk is used up; the limit is in bytes. */
  | { readonly reason: "membrane_storage_exceeded"; readonly limit: number }
  | { readonly reason: "tenant_storage_exceeded"; readonly limit: number }
  /** A management body over the service's limit in bytes, or another over the limits of its capability. */
  | { readonly reason: "body_too_large"; readonly limit: number }
  | { readonly reason: "headers_too_large" }
  /** The client stalled in the middle of its body. */
  | { readonly reason: "request_timeout" }
  | { readonly reason: "upgrade_not_supported" }
  /** A WebSocket handshake of another version than 13. */
  | { readonly reason: "websocket_version_not_supported" }
  | { readonly reason: "expectation_failed" }
  | { readonly reason: "store_unavailable" }
  /** The disk is full: only revokes are written. */
  | { readonly reason: "store_full" }
  /** The write may not be on disk. */
  | { readonly reason: "store_failed" }
  /** The audit trail is required, and cannot be written. */
  | { readonly reason: "audit_unavailable" }
  /** A newer version of the program wrote a record that the capability depends on. */
  | { readonly reason: "record_too_new" }
  /** The capability, a tenant or the whole service has as many invocations in flight as it may have. */
  | { readonly reason: "capability_concurrency_exceeded"; readonly limitName: SharedLimit }
  | { readonly reason: "tenant_concurrency_exceeded"; readonly limitName: SharedLimit }
  | { readonly reason: "service_overloaded"; readonly limitName: SharedLimit }
  /** The store was lost before the target responded: the target may have received the request. */
  | { readonly reason: "revocations_unknown" }
  /** The service stops. An invocation is denied only after the deadline: the target may have received the request. */
  | { readonly reason: "service_stopping" }
  /** A counter of the use has as many in this window as it may have. No quota in the sense of `domain/quota.ts`. */
  | { readonly reason: "quota_exhausted"; readonly retryAfterSeconds: number }
  /** A header of the client, or a key of its query, would change the request's meaning. The name is safe to print. */
  | { readonly reason: "header_not_allowed"; readonly name: string; readonly why?: NameProblem }
  | { readonly reason: "query_not_allowed"; readonly key: string; readonly why?: NameProblem }
  /** The limits of the capability do not allow the path. */
  | { readonly reason: "path_not_allowed" }
  /** The body must be buffered to be signed, and is over the limit in bytes. */
  | { readonly reason: "signed_body_too_large"; readonly limit: number }
  | TargetFailure;

/** Which of the service's limits on what many share was reached. The client does not learn which. */
export type SharedLimit =
  | "maxConcurrentInvocations"
  | "maxConcurrentInvocationsPerTenant"
  | "maxConcurrentInvocationsPerCapability"
  | "maxUpstreamConnections"
  | "maxUpstreamPools"
  | "maxWaitingPagesPerTenant"
  | BudgetLimit;

/** Limits on memory. */
export type BudgetLimit =
  | "bufferedBytesTotal"
  | "managementBufferedBytesTotal"
  | "waitingResponseBytesTotal"
  | "usedResolutionBytesTotal";

/** What is wrong with a header or a key by the openings and limits. Absent: it would change what the request means. */
export type NameProblem =
  /** They do not name it. */
  | "not_named"
  /** It did not come once, with a value that the limits list. */
  | "not_listed"
  /** Parsers read it differently. */
  | "ambiguous";

/**
 * The request was admitted, but its target cannot be used, or its response not passed on: who exported the target, or the
 * operator, may have to act.
 */
export type TargetFailure =
  /** The target redirects elsewhere, and this client is known to send its token there. */
  | { readonly reason: "redirect_not_passed" }
  | { readonly reason: "target_forbidden" }
  /** The target was stored under rules that were less strict than those of today. */
  | { readonly reason: "target_outdated" }
  | { readonly reason: "target_unreachable" }
  | { readonly reason: "target_timeout" }
  /** The target did not send an HTTP response that can be passed on. */
  | { readonly reason: "invalid_target_response" }
  | { readonly reason: "loop_detected" };

/** Their reasons. */
export const TARGET_FAILURES: ReadonlySet<Denial["reason"]> = new Set<TargetFailure["reason"]>([
  "redirect_not_passed",
  "target_forbidden",
  "target_outdated",
  "target_unreachable",
  "target_timeout",
  "invalid_target_response",
  "loop_detected",
]);

export function isTargetFailure(denial: Denial): denial is TargetFailure {
  return TARGET_FAILURES.has(denial.reason);
}

/** The result of a stage: its value, or why the request is refused. */
export type Outcome<T> = Result<T, Denial>;

/** The outcome of a check that refuses nothing. */
export const PASSED: Ok<undefined> = ok(undefined);

export function invalid(field: string, expected: string): Err<Denial> {
  return err({ reason: "invalid_field", problem: { field, expected } });
}
