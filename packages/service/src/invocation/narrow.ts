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
  const { fixedHeaders, headerRule } = target;
  const { method, clientHeaders: headers } = shaped;
  const isMethodFixed = target.method !== undefined;
  const request = { method, isMethodFixed, path, query, headers, fixedHeaders };
  const kept = applyLimits(limits, request, headerRule);
  return kept.ok ? ok({ ...shaped, clientHeaders: kept.value }) : kept;
}
