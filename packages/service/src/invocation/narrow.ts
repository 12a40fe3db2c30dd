import { ok } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import type { AuthorizedUri } from "./authorize.ts";
import { applyLimits } from "./limits/apply-limits.ts";
import type { CompiledLimits } from "./limits/compiled-limits.ts";
import type { PreparedTarget } from "./prepared-target.ts";
import type { ShapedRequest } from "./shape.ts";

/** Applies the limits of a capability to a request that its target is open to. They drop headers, or refuse the request. */
export function narrow(
  limits: CompiledLimits,
  target: PreparedTarget,
  { path, query }: AuthorizedUri,
  shaped: ShapedRequest,
): Outcome<ShapedRequest> {
  const own = target.headers;
  const { fixedHeaders, headerRule } = target;
  const headers = shaped.headers.slice(own.length);
  const kept = applyLimits(limits, { method: shaped.method, path, query, headers, fixedHeaders }, headerRule);
  return kept.ok ? ok({ ...shaped, headers: [...own, ...kept.value] }) : kept;
}
