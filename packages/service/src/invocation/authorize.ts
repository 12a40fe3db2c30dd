import { FORWARDABLE_METHODS } from "capability-protocol";
import type { Denial } from "../domain/denial.ts";
import type { RequestHead } from "./request-head.ts";
import type { PreparedTarget } from "./target.ts";

const ALLOWED_METHODS: readonly string[] = [...FORWARDABLE_METHODS];

/**
 * Whether the requester may have this request made: the path, the method, and a query that the target's signature can
 * protect. Liveness is not asked here: it was when the token was resolved.
 *
 * @returns why not, or nothing.
 */
export function authorize(target: PreparedTarget, head: RequestHead): Denial | undefined {
  if (head.path !== "/") return { reason: "path_not_allowed" };
  // TRACE would echo the target's credentials to the requester.
  if (!FORWARDABLE_METHODS.has(head.method)) return { reason: "method_not_allowed", allow: ALLOWED_METHODS };
  if (!target.allowQuery || head.query === "" || target.signer === undefined) return undefined;
  const problem = target.signer.refuseQuery(head.query);
  return problem === undefined ? undefined : { reason: "invalid_field", problem };
}
