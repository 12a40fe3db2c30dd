import type { Authority, CapabilityToken } from "capability-protocol";
import { formatCapabilityUri } from "capability-protocol";
import type { Denial } from "../domain/denial.ts";
import type { CreationDenial } from "../domain/creation.ts";
import type { QuotaDenial } from "../domain/quota.ts";

/** The URI of a capability of this service. */
export function formatUri(authority: Authority, token: CapabilityToken): string {
  return formatCapabilityUri({ kind: "authority", authority, token });
}

/** What a denied making means to whoever asked for it; a lineage that died is the caller's own unless it says otherwise. */
export function denialOfCreation(denial: CreationDenial): Denial {
  switch (denial.reason) {
    case "lineage_dead":
      return { reason: "unauthorized" };
    case "name_taken":
      return { reason: denial.type === "tenant" ? "tenant_exists" : "membrane_exists" };
    case "lineage_limit":
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
  tenant: "tenant_full",
  membrane: "membrane_full",
} as const satisfies Record<QuotaDenial["type"], Denial["reason"]>;
