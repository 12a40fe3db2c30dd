import type { Denial } from "./denial.ts";

/** The limits of the service whose refusals are counted, by their names in its configuration. */
export const COUNTED_LIMITS = [
  "maxConnections",
  "maxConnectionsPerAddress",
  "maxAuthFailuresPerMinute",
  "headerBytes",
  "pipelinedBytesTotal",
  "maxConcurrentInvocations",
  "maxConcurrentInvocationsPerTenant",
  "maxConcurrentInvocationsPerCapability",
  "bufferedBodyBytes",
  "bufferedBytesTotal",
  "waitingResponseBytesTotal",
  "usedResolutionBytesTotal",
  "maxUpstreamConnections",
  "maxUpstreamPools",
  "managementBodyBytes",
  "managementBufferedBytesTotal",
  "maxWaitingPagesPerTenant",
  "maxTenants",
  "maxMembranesPerTenant",
  "maxCapabilitiesPerMembrane",
  "maxLineageNodes",
  "storedBytesPerMembrane",
  "storedBytesPerTenant",
] as const;

export type CountedLimit = (typeof COUNTED_LIMITS)[number];

/** Refusals that one limit alone leads to. */
const LIMITS: Readonly<Partial<Record<Denial["reason"], CountedLimit>>> = {
  too_many_auth_failures: "maxAuthFailuresPerMinute",
  headers_too_large: "headerBytes",
  signed_body_too_large: "bufferedBodyBytes",
  lineage_too_large: "maxLineageNodes",
  membrane_quota_exceeded: "maxCapabilitiesPerMembrane",
  tenant_quota_exceeded: "maxMembranesPerTenant",
  service_quota_exceeded: "maxTenants",
  membrane_storage_exceeded: "storedBytesPerMembrane",
  tenant_storage_exceeded: "storedBytesPerTenant",
};

/**
 * The limit of the service that a refusal is due to; nothing if there is none, as for a limit of the capability itself.
 *
 * @param isManagement whether the request was to the service itself.
 */
export function reachedLimit(denial: Denial, isManagement: boolean): CountedLimit | undefined {
  if ("limitName" in denial) return denial.limitName;
  if (denial.reason === "body_too_large") return isManagement ? "managementBodyBytes" : undefined;
  return LIMITS[denial.reason];
}
