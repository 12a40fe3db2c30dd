import type { ErrorBody } from "capability-protocol";
import { describeProblem } from "capability-protocol";
import type { Denial, NameProblem } from "../domain/denial.ts";
import { WEBSOCKET_VERSION } from "../invocation/websocket/handshake.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import type { ChallengedHead } from "./basic.ts";
import { BEARER_CHALLENGE, challenge } from "./basic.ts";
import { ERRORS } from "./error-table.ts";
import { reasonPhrase } from "./reason-phrase.ts";

/** The response for a denial, as the client sees it. */
export interface WireError {
  readonly status: number;
  /** Further headers: name and value alternate. */
  readonly headers: readonly string[];
  readonly body: ErrorBody & { readonly code: ErrorCode };
}

/** What a response depends on. */
export type RefusedHead = ChallengedHead & Pick<RequestHead, "method">;

/** A response says the reason of its denial in `code`. */
export type ErrorCode = Denial["reason"] | "internal_error";

/** A write that was not acknowledged: a change, or the count of a use, which comes before anything is sent. */
const MAY_BE_WRITTEN =
  "Nothing was sent to a target; a change may take effect, and the use may have been counted. If uses are not limited, it is safe to retry.";

/** A request that was cut before its response. */
const MAY_BE_RECEIVED = "The target may have received the request, and the use may have been counted.";

const ONLY_ROOT =
  "This capability allows only the path /: only the export of a target with allowPath opens other paths.";

const CURL_UPLOAD = "(curl -T FILE appends the file's name: use -T - < FILE.)";

/** They do not say which values would be allowed: a limit may be meant for other holders. */
const NAME_PROBLEMS: Readonly<Record<NameProblem, (what: string) => string>> = {
  not_named: (what) => `this capability does not allow ${what}; omit it.`,
  not_listed: (what) => `this capability requires ${what} once, with a value that its limits list.`,
  ambiguous: (what) =>
    `servers read the pair with ${what} differently; write %3B for a semicolon, %20 for a space, and UTF-8 only.`,
};

/**
 * Maps each reason to its response; nothing else does.
 *
 * @param head of the request that is refused: the challenge of a 401 and the advice of a 404 depend on it.
 */
export function wireError(denial: Denial, head?: RefusedHead): WireError {
  switch (denial.reason) {
    case "unauthorized":
      return error("unauthorized", "Missing or invalid capability token.", [
        "WWW-Authenticate",
        head === undefined ? BEARER_CHALLENGE : challenge(head),
      ]);
    case "too_many_auth_failures":
      return error(
        "too_many_auth_failures",
        "Too many requests from this address had an invalid capability token.",
      );
    case "malformed_request":
      return error("malformed_request", denial.message);
    case "invalid_field":
      return error("invalid_field", describeProblem(denial.problem));
    case "invalid_capability":
      return error("invalid_capability", "capability: expected a valid capability.");
    case "not_delegable":
      return error("not_delegable", "capability: its limits do not allow a re-export.");
    case "wrong_capability":
      return error(
        "wrong_capability",
        `This capability is for another operation than ${denial.wanted}. Nothing was done.`,
      );
    case "path_not_found":
      return error("path_not_found", head?.method === "PUT" ? `${ONLY_ROOT} ${CURL_UPLOAD}` : ONLY_ROOT);
    case "no_oauth":
      return error("no_oauth", "This service has no authorization server: send a capability token.");
    case "invalid_path":
      return error("invalid_path", denial.message);
    case "method_not_allowed":
      // RFC 9110 §10.2.1: an empty Allow says that no method is allowed.
      return error("method_not_allowed", `method: ${describeAllowed(denial)}.`, [
        "Allow",
        denial.allow.join(", "),
      ]);
    case "path_not_allowed":
      return error("path_not_allowed", "path: the limits of this capability do not allow it.");
    case "header_not_allowed":
      return error(
        "header_not_allowed",
        denial.why === undefined
          ? `${denial.name}: this header would change the meaning of the request; omit it, or send the target's value.`
          : `${denial.name}: ${NAME_PROBLEMS[denial.why]("this header")}`,
      );
    case "query_not_allowed":
      return error(
        "query_not_allowed",
        denial.why === undefined
          ? `query: the key ${denial.key} would change the meaning of the request; omit it.`
          : `query: ${NAME_PROBLEMS[denial.why](`the key ${denial.key}`)}`,
      );
    case "redirect_not_passed":
      return error(
        "redirect_not_passed",
        "The target redirects to another origin or path, and this client would send the capability there.",
      );
    case "membrane_exists":
      return error("membrane_exists", "id: a membrane with this id exists.");
    case "tenant_exists":
      return error("tenant_exists", "id: a tenant with this id exists.");
    case "lineage_too_large":
      return error(
        "lineage_too_large",
        `The lineage would have more than ${denial.limit} nodes: export from a capability with fewer ancestors.`,
      );
    case "membrane_quota_exceeded":
      return error(
        "membrane_quota_exceeded",
        `The membrane has reached its limit of ${denial.limit} capabilities: create another membrane and export through it.`,
      );
    case "tenant_quota_exceeded":
      return error(
        "tenant_quota_exceeded",
        `The tenant has reached its limit of ${denial.limit} membranes: revoke those that are not needed.`,
      );
    case "membrane_storage_exceeded":
      return error(
        "membrane_storage_exceeded",
        `The membrane has reached its storage limit of ${denial.limit} bytes: create another membrane and export through it.`,
      );
    case "tenant_storage_exceeded":
      return error(
        "tenant_storage_exceeded",
        `The tenant has reached its storage limit of ${denial.limit} bytes: revoke membranes that are not needed.`,
      );
    case "service_quota_exceeded":
      return error(
        "service_quota_exceeded",
        `The service has reached its limit of ${denial.limit} tenants: delete one that is not needed.`,
      );
    case "body_too_large":
      return error("body_too_large", `The body exceeds ${denial.limit} bytes.`);
    case "signed_body_too_large":
      return error(
        "signed_body_too_large",
        `The body exceeds the ${denial.limit} bytes that are buffered for a signature: ` +
          "send its SHA-256 in X-Payload-Sha256 (64 hex digits), and it is streamed at any size.",
      );
    case "headers_too_large":
      return error("headers_too_large", "The request headers are too large.");
    case "request_timeout":
      return error("request_timeout", "The rest of the request did not arrive in time.");
    case "upgrade_not_supported":
      return error(
        "upgrade_not_supported",
        "Upgrade: only websocket is supported, and only by capabilities for a target that is sent GET.",
      );
    case "websocket_version_not_supported":
      // RFC 6455 §4.4 and RFC 9110 §15.5.22 say what to try instead.
      return error(
        "websocket_version_not_supported",
        `Sec-WebSocket-Version: expected ${WEBSOCKET_VERSION}.`,
        ["Sec-WebSocket-Version", WEBSOCKET_VERSION, "Upgrade", "websocket", "Connection", "Upgrade, close"],
      );
    case "expectation_failed":
      return error("expectation_failed", "Expect: expected 100-continue or nothing.");
    case "store_unavailable":
      return error("store_unavailable", `The store did not respond in time. ${MAY_BE_WRITTEN}`);
    case "store_full":
      return error(
        "store_full",
        "The disk of the service is full. Nothing was changed or sent; revokes still work, and invocations whose uses are not counted.",
      );
    case "store_failed":
      return error("store_failed", `The store could not write to its disk. ${MAY_BE_WRITTEN}`);
    case "audit_unavailable":
      return error(
        "audit_unavailable",
        "The audit trail of the service cannot be written. Nothing was done; revokes still work.",
      );
    case "record_too_new":
      return error(
        "record_too_new",
        "A newer version of the service stored this capability. Nothing was done; it works again after an upgrade.",
      );
    case "capability_concurrency_exceeded":
      return error(
        "capability_concurrency_exceeded",
        "This capability has reached its limit of concurrent requests or buffered bytes.",
      );
    case "tenant_concurrency_exceeded":
      // The holder must not learn which tenant of the lineage this is.
      return error(
        "tenant_concurrency_exceeded",
        "A tenant in the lineage has reached its limit of concurrent requests or buffered bytes.",
      );
    case "service_overloaded":
      return error(
        "service_overloaded",
        "The service has reached its limit of concurrent requests or buffered bytes.",
      );
    case "revocations_unknown":
      return error(
        "revocations_unknown",
        `The service lost its store, and with it what was revoked. ${MAY_BE_RECEIVED}`,
      );
    case "service_stopping":
      return error(
        "service_stopping",
        "The service stops. If the request is an invocation, its target may have received it, and the use may have been counted.",
      );
    case "quota_exhausted":
      return error(
        "quota_exhausted",
        `The capability has been used as often as it may be for now: retry in ${denial.retryAfterSeconds} seconds.`,
        ["Retry-After", String(denial.retryAfterSeconds)],
      );
    case "target_forbidden":
      return error("target_forbidden", "This service does not allow connections to the target.");
    case "target_outdated":
      return error(
        "target_outdated",
        "The target was exported under earlier rules and is no longer accepted: export it again.",
      );
    case "target_unreachable":
      return error("target_unreachable", "The target is unreachable.");
    case "target_timeout":
      return error("target_timeout", "The target did not respond in time.");
    case "invalid_target_response":
      return error("invalid_target_response", "The target's response was invalid or incomplete.");
    case "loop_detected":
      return error("loop_detected", "Forwarding loop detected.");
  }
}

/** The response for a fault of the service; only the log has the cause. */
export function internalError(): WireError {
  return error("internal_error", "Internal error; it has been logged.");
}

function error(code: ErrorCode, message: string, ownHeaders: readonly string[] = []): WireError {
  const { status, retryAfterSeconds } = ERRORS[code];
  const headers =
    retryAfterSeconds === undefined ? ownHeaders : [...ownHeaders, "Retry-After", String(retryAfterSeconds)];
  return { status, headers, body: { statusCode: status, error: reasonPhrase(status), message, code } };
}

function describeAllowed({ allow, fixed }: Extract<Denial, { reason: "method_not_allowed" }>): string {
  if (fixed !== undefined) return `the target is always sent ${fixed}, which the limits do not allow`;
  // Limits that exclude each other allow nothing.
  if (allow.length === 0) return "expected none, since the limits of this capability allow none";
  return allow.length === 1 ? `expected ${allow.join()}` : `expected one of ${allow.join(", ")}`;
}
