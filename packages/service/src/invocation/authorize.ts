import { FORWARDABLE_METHODS, printableName } from "capability-protocol";
import type { Denial } from "../domain/denial.ts";
import { secondCredential } from "./credential-names.ts";
import type { RequestHead } from "./request-head.ts";
import type { PreparedTarget } from "./prepared-target.ts";
import type { Resolution } from "./resolve.ts";

const ALLOWED_METHODS: readonly string[] = [...FORWARDABLE_METHODS];

/**
 * Checks whether the capability allows this request: its expiry, the path, the method, and the query, which the target's
 * signature must be able to protect and which may hold no further credential. Resolving has checked that it is alive.
 *
 * @param now the time of day, read only for a capability that expires.
 * @returns the refusal, if any.
 */
export function authorize(
  { expiresAt }: Pick<Resolution, "expiresAt">,
  target: PreparedTarget,
  head: RequestHead,
  now: () => Date,
): Denial | undefined {
  if (expiresAt !== undefined && expiresAt <= now().getTime()) return { reason: "unauthorized" };
  if (head.path !== "/") return { reason: "path_not_found" };
  // TRACE would send the target's credentials back to the client.
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
