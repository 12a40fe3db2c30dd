import type { Denial } from "../domain/denial.ts";
import { EgressError } from "../egress/errors.ts";
import type { EgressErrorCode } from "../egress/errors.ts";
import type { UpstreamFailure } from "../http1/upstream.ts";
import { denialForBodyError } from "./request-body.ts";

const EGRESS_DENIALS: Readonly<Record<EgressErrorCode, Denial>> = {
  EGRESS_DENIED: { reason: "target_forbidden" },
  EGRESS_DNS_FAILED: { reason: "target_unreachable" },
  EGRESS_CONNECT_FAILED: { reason: "target_unreachable" },
  EGRESS_CONNECT_TIMEOUT: { reason: "target_timeout" },
  EGRESS_TLS_FAILED: { reason: "target_unreachable" },
  EGRESS_TOO_MANY: { reason: "tenant_concurrency_exceeded", limitName: "maxUpstreamConnections" },
};

const FAILURE_DENIALS: Readonly<Record<UpstreamFailure, Denial>> = {
  timeout: { reason: "target_timeout" },
  incomplete: { reason: "invalid_target_response" },
};

/** What the client may know of an error between the service and the target. */
export function denialForUpstreamError(error: Error, failure: UpstreamFailure): Denial {
  if (error instanceof EgressError) return EGRESS_DENIALS[error.code];
  return denialForBodyError(error) ?? FAILURE_DENIALS[failure];
}

/** The response had waited longest for its client when its capability or tenant had used up its share. */
export class WaitedTooLongError extends Error {
  override readonly name = "WaitedTooLongError";
  readonly code = "WAITED_TOO_LONG";
}
