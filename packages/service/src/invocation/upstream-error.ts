import type { Denial } from "../domain/denial.ts";
import { EgressError } from "../egress/errors.ts";
import type { EgressErrorCode } from "../egress/errors.ts";
import { ClientTooSlowError } from "./request-body.ts";

const EGRESS_DENIALS: Readonly<Record<EgressErrorCode, Denial>> = {
  EGRESS_DENIED: { reason: "target_forbidden" },
  EGRESS_DNS_FAILED: { reason: "target_unreachable" },
  EGRESS_CONNECT_FAILED: { reason: "target_unreachable" },
  EGRESS_CONNECT_TIMEOUT: { reason: "target_timeout" },
  EGRESS_TLS_FAILED: { reason: "target_unreachable" },
  EGRESS_TOO_MANY: { reason: "tenant_busy" },
};

/** Codes of undici's errors that say the target was too slow. */
const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

/** What went wrong between us and the target, as the requester may know it: everything else the target sent is no answer. */
export function denialForUpstreamError(error: Error): Denial {
  if (error instanceof ClientTooSlowError) return { reason: "request_timeout" };
  if (error instanceof EgressError) return EGRESS_DENIALS[error.code];
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return TIMEOUT_CODES.has(code) ? { reason: "target_timeout" } : { reason: "target_incomplete" };
}
