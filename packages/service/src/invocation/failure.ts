import type { Denial } from "../domain/denial.ts";
import { EgressError } from "../egress/errors.ts";
import type { EgressErrorCode } from "../egress/errors.ts";
import { RequesterSilentError } from "./request-body.ts";

const EGRESS: Readonly<Record<EgressErrorCode, Denial>> = {
  EGRESS_DENIED: { reason: "target_forbidden" },
  EGRESS_DNS_FAILED: { reason: "target_unreachable" },
  EGRESS_CONNECT_FAILED: { reason: "target_unreachable" },
  EGRESS_CONNECT_TIMEOUT: { reason: "target_timeout" },
  EGRESS_TLS_FAILED: { reason: "target_unreachable" },
  EGRESS_TOO_MANY: { reason: "tenant_busy" },
};

/** Codes of undici's errors that say the target was too slow. */
const TIMEOUTS: ReadonlySet<string> = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

/** What went wrong between us and the target, as the requester may know it: everything else the target sent is no answer. */
export function denialOfFailure(error: Error): Denial {
  if (error instanceof RequesterSilentError) return { reason: "request_timeout" };
  if (error instanceof EgressError) return EGRESS[error.code];
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return TIMEOUTS.has(code) ? { reason: "target_timeout" } : { reason: "target_incomplete" };
}
