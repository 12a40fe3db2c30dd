import type { CreationDenial } from "./creation.ts";
import type { Denial } from "./denial.ts";
import type { QuotaDenial } from "./quota.ts";
import { denialOfUse } from "./use-denial.ts";

/**
 * Maps the reason why a creation was denied to the refusal that the client sees. A dead lineage means that the client's own
 * capability was revoked; operations that name other capabilities have checked these before.
 */
export function denialOfCreation(denial: CreationDenial): Denial {
  switch (denial.reason) {
    case "used_up":
    case "window_used_up":
      return denialOfUse(denial);
    case "lineage_dead":
      return { reason: "unauthorized" };
    case "name_taken":
      return { reason: denial.type === "tenant" ? "tenant_exists" : "membrane_exists" };
    case "lineage_too_large":
      return denial;
    case "full":
      return { reason: QUOTA_REASONS[denial.type], limit: denial.limit };
    case "storage_exceeded":
      return {
        reason: denial.type === "tenant" ? "tenant_storage_exceeded" : "membrane_storage_exceeded",
        limit: denial.limit,
      };
  }
}

const QUOTA_REASONS = {
  service: "service_quota_exceeded",
  tenant: "tenant_quota_exceeded",
  membrane: "membrane_quota_exceeded",
} as const satisfies Record<QuotaDenial["type"], Denial["reason"]>;
