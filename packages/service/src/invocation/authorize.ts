import { FORWARDABLE_METHODS, printableName } from "capability-protocol";
import type { Denial } from "../domain/denial.ts";
import { secondCredential } from "./credential-names.ts";
import type { RequestHead } from "./request-head.ts";
import type { PreparedTarget } from "./prepared-target.ts";

const ALLOWED_METHODS: readonly string[] = [...FORWARDABLE_METHODS];

/**
 * Whether the client may have this request made: the path, the method, and a query that the target's signature can
 * protect and that holds no credential in addition to the target's. Liveness was checked when the token was resolved.
 *
 * @returns why not, or nothing.
 */
export function authorize(target: PreparedTarget, head: RequestHead): Denial | undefined {
  if (head.path !== "/") return { reason: "path_not_allowed" };
  // TRACE would echo the target's credentials to the requester.
  if (!FORWARDABLE_METHODS.has(head.method)) return { reason: "method_not_allowed", allow: ALLOWED_METHODS };
  return target.allowQuery && head.query !== "" ? checkQuery(target, head) : undefined;
}

function checkQuery(target: PreparedTarget, head: RequestHead): Denial | undefined {
  const refusal = target.signer?.checkQuery(head.query, target.method ?? head.method);
  if (refusal?.kind === "invalid") return { reason: "invalid_field", problem: refusal.problem };
  const key =
    refusal?.key ??
    (target.carriesCredential ? secondCredential(head.query, target.credentialKeys) : undefined);
  return key === undefined ? undefined : { reason: "query_not_allowed", key: printableName(key) };
}
