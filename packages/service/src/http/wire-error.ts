import { STATUS_CODES } from "node:http";
import type { ErrorBody } from "capability-protocol";
import { describeProblem } from "capability-protocol";
import type { Denial } from "../domain/denial.ts";

/** What a denial looks like to whoever sent the request. */
export interface WireError {
  readonly status: number;
  /** Flat list of header lines of its own. */
  readonly headers: readonly string[];
  readonly body: ErrorBody;
}

/** Proxy errors of RFC 9209 that we tell; no other parameter, since details would tell of the target. */
type ProxyError =
  | "destination_unavailable"
  | "connection_timeout"
  | "http_response_incomplete"
  | "http_request_denied"
  | "proxy_loop_detected";

/** Our name in `Proxy-Status`. */
const PROXY_NAME = "membrane";

const RETRY_AFTER_SECONDS = "1";

/** After a minute failed authorizations are forgotten, and a full disk may have space again. */
const MINUTE_SECONDS = "60";

/** The one place where a reason becomes an answer. */
export function wireError(denial: Denial): WireError {
  switch (denial.reason) {
    case "unauthorized":
      return error(401, "unauthorized", "This needs a capability that works.", [
        "WWW-Authenticate",
        "Bearer",
      ]);
    case "too_many_failures":
      return error(
        429,
        "too_many_failures",
        "Too many requests from this address had no capability that works.",
        ["Retry-After", MINUTE_SECONDS],
      );
    case "malformed_request":
      return error(400, "malformed_request", denial.message);
    case "invalid_field":
      return error(400, "invalid_field", describeProblem(denial.problem));
    case "dead_capability":
      return error(400, "dead_capability", "capability: expected a capability that works.");
    case "wrong_capability":
      return error(
        400,
        "wrong_capability",
        `This capability is not one to ${denial.wanted}. Nothing was done.`,
      );
    case "path_not_allowed":
      return error(
        404,
        "path_not_allowed",
        "This capability allows the path / only. (curl -T FILE appends the file's name to it: use -T - < FILE.)",
      );
    case "method_not_allowed":
      return error(405, "method_not_allowed", `method: expected one of ${denial.allow.join(", ")}.`, [
        "Allow",
        denial.allow.join(", "),
      ]);
    case "header_not_allowed":
      return error(
        403,
        "header_not_allowed",
        `${denial.name}: expected no such header, or the target's own value: it would change what this capability stands for.`,
        proxyStatus("http_request_denied"),
      );
    case "query_not_allowed":
      return error(
        403,
        "query_not_allowed",
        `query: expected no key ${denial.key}: it would change what this capability stands for.`,
        proxyStatus("http_request_denied"),
      );
    case "redirect_not_passed":
      return error(
        502,
        "redirect_not_passed",
        "The target redirects to another place, and this client would send the capability there.",
        proxyStatus("http_request_denied"),
      );
    case "membrane_exists":
      return error(409, "membrane_exists", "id: there is a membrane of this id already.");
    case "tenant_exists":
      return error(409, "tenant_exists", "id: there is a tenant of this id already.");
    case "lineage_limit":
      return error(
        409,
        "lineage_limit",
        `The lineage of what would be made has more than ${denial.limit} members: export from a capability nearer to the source.`,
      );
    case "membrane_full":
      return error(
        409,
        "membrane_full",
        `${denial.limit} capabilities went through the membrane that this counts against, as many as one may hold: make another membrane, and export through that one.`,
      );
    case "tenant_full":
      return error(
        409,
        "tenant_full",
        `There are ${denial.limit} membranes, as many as a tenant may have: revoke those that are not needed.`,
      );
    case "membrane_storage_exceeded":
      return error(
        409,
        "membrane_storage_exceeded",
        `What was exported through this membrane takes ${denial.limit} bytes, as many as one may: make another membrane.`,
      );
    case "tenant_storage_exceeded":
      return error(
        409,
        "tenant_storage_exceeded",
        `The membranes of this tenant take ${denial.limit} bytes, as many as one tenant may: revoke those that are not needed.`,
      );
    case "service_quota_exceeded":
      return error(
        409,
        "service_quota_exceeded",
        `There are ${denial.limit} tenants, as many as this service may have: delete one that is not needed.`,
      );
    case "body_too_large":
      return error(413, "body_too_large", `The body is over ${denial.limit} bytes.`);
    case "payload_too_large":
      return error(
        413,
        "payload_too_large",
        `The body is over the ${denial.limit} bytes that are held for a signature: send its SHA-256 in X-Payload-Sha256 (64 hex digits), then it is streamed, whatever its size.`,
        proxyStatus("http_request_denied"),
      );
    case "header_too_large":
      return error(431, "header_too_large", "The head of the request is too large.");
    case "request_timeout":
      return error(408, "request_timeout", "The rest of the request did not come in time.");
    case "upgrade_not_supported":
      return error(501, "upgrade_not_supported", "Upgrade is not supported.");
    case "expectation_failed":
      return error(417, "expectation_failed", "Expect: expected 100-continue or nothing.");
    case "store_busy":
      return retryShortly(
        503,
        "store_busy",
        "The store did not answer in time. The request may still take effect; it is safe to repeat it.",
      );
    case "store_full":
      return error(
        503,
        "store_full",
        "The disk of the service is full. Nothing was changed; revokes and invocations still work.",
        ["Retry-After", MINUTE_SECONDS],
      );
    case "store_failed":
      return error(
        503,
        "store_failed",
        "The store could not write to its disk. The request may have taken effect; it is safe to repeat it.",
        ["Retry-After", MINUTE_SECONDS],
      );
    case "capability_busy":
      return retryShortly(429, "capability_busy", "This capability has as much under way as it may.");
    case "tenant_busy":
      // Whose tenant, and which of those it ran through, is not for the holder to know.
      return retryShortly(429, "tenant_busy", "As much is under way as may be on this capability's behalf.");
    case "service_busy":
      return retryShortly(503, "service_busy", "The service has as much under way as it takes.");
    case "target_forbidden":
      return error(
        502,
        "target_forbidden",
        "The target is one that this service does not connect to.",
        proxyStatus("http_request_denied"),
      );
    case "target_unusable":
      return error(
        502,
        "target_unusable",
        "The target was exported under earlier rules and is not accepted any more: export it again.",
        proxyStatus("http_request_denied"),
      );
    case "target_unreachable":
      return error(
        502,
        "target_unreachable",
        "The target cannot be reached.",
        proxyStatus("destination_unavailable"),
      );
    case "target_timeout":
      return error(
        504,
        "target_timeout",
        "The target did not answer in time.",
        proxyStatus("connection_timeout"),
      );
    case "target_incomplete":
      return error(
        502,
        "target_incomplete",
        "The target gave no whole HTTP answer.",
        proxyStatus("http_response_incomplete"),
      );
    case "loop_detected":
      return error(
        508,
        "loop_detected",
        "The request has been here before, too often.",
        proxyStatus("proxy_loop_detected"),
      );
  }
}

/** A fault of ours: what went wrong is in the log alone. */
export function internalError(): WireError {
  return error(500, "internal", "Something went wrong here. It has been logged.");
}

function error(status: number, code: string, message: string, headers: readonly string[] = []): WireError {
  return { status, headers, body: { statusCode: status, error: STATUS_CODES[status] ?? "", message, code } };
}

function retryShortly(status: number, code: string, message: string): WireError {
  return error(status, code, message, ["Retry-After", RETRY_AFTER_SECONDS]);
}

function proxyStatus(proxyError: ProxyError): readonly string[] {
  return ["Proxy-Status", `${PROXY_NAME}; error=${proxyError}`];
}
