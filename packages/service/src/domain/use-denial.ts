import type { Denial } from "./denial.ts";
import type { UseDenial } from "./use-counter.ts";

/** Maps the reason why a use was refused to the refusal that the client sees. */
export function denialOfUse(denial: UseDenial): Denial {
  return denial.reason === "used_up"
    ? { reason: "unauthorized" }
    : { reason: "quota_exhausted", retryAfterSeconds: Math.max(1, Math.ceil(denial.retryAfterMs / 1_000)) };
}
