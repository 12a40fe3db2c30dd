import type { Denial } from "../domain/denial.ts";
import type { RequestHead } from "./request-head.ts";
import type { PreparedTarget } from "./target.ts";

/**
 * Whether the requester may have this request made: the path, the query and what the target's signature cannot protect.
 * Method and liveness are not asked here: the method is the target's or free, liveness was asked when the token was resolved.
 *
 * @returns why not, or nothing.
 */
export function authorize(target: PreparedTarget, head: RequestHead): Denial | undefined {
  if (head.path !== "/") return { reason: "path_not_allowed" };
  if (!target.allowQuery || head.query === "" || target.signer === undefined) return undefined;
  const problem = target.signer.refuseQuery(head.query);
  return problem === undefined ? undefined : { reason: "invalid_field", problem };
}
