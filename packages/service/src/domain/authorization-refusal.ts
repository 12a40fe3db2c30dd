import type { Denial } from "./denial.ts";

/**
 * The reasons of refusals that are about what a capability allows, or about there being none. Others are about the state of the
 * service, or about a request that no capability would allow.
 */
const REASONS: ReadonlySet<Denial["reason"]> = new Set<Denial["reason"]>([
  "unauthorized",
  "too_many_auth_failures",
  "wrong_capability",
  "invalid_capability",
  "not_delegable",
  "path_not_found",
  "path_not_allowed",
  "method_not_allowed",
  "query_not_allowed",
  "header_not_allowed",
  "quota_exhausted",
  "target_forbidden",
]);

/** Whether a refusal is one of authorization, which the audit trail records. */
export function isAuthorizationRefusal({ reason }: Denial): boolean {
  return REASONS.has(reason);
}
