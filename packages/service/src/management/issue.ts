import type { Authority, CapabilityToken } from "capability-protocol";
import { formatCapabilityUri } from "capability-protocol";
import type { Denial } from "../domain/denial.ts";
import type { MakingDenial } from "../domain/making.ts";
import type { QuotaDenial } from "../domain/quota.ts";

/** The URI of a capability of this service. */
export function issue(authority: Authority, token: CapabilityToken): string {
  return formatCapabilityUri({ kind: "authority", authority, token });
}

/** What a denied making means to whoever asked for it; a lineage that died is the caller's own unless it says otherwise. */
export function denialOf(making: MakingDenial): Denial {
  switch (making.reason) {
    case "lineage_dead":
      return { reason: "unauthorized" };
    case "name_taken":
      return { reason: making.type === "tenant" ? "tenant_exists" : "membrane_exists" };
    case "lineage_limit":
      return making;
    case "full":
      return { reason: FULL[making.type], limit: making.limit };
    case "storage_exceeded":
      return {
        reason: making.type === "tenant" ? "tenant_storage_exceeded" : "membrane_storage_exceeded",
        limit: making.limit,
      };
  }
}

const FULL = {
  service: "service_quota_exceeded",
  tenant: "tenant_full",
  membrane: "membrane_full",
} as const satisfies Record<QuotaDenial["type"], Denial["reason"]>;
