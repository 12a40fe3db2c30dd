import { expect, test } from "vitest";
import type { Denial } from "../domain/denial.ts";
import { inPlaceOfTarget } from "./proxy-status.ts";
import { internalError, wireError } from "./wire-error.ts";

const LIMIT_NAME = "maxUpstreamPools";

const ROWS: {
  readonly [R in Denial["reason"]]: [Extract<Denial, { reason: R }>, number, readonly string[]];
} = {
  unauthorized: [{ reason: "unauthorized" }, 401, ["WWW-Authenticate", "Bearer"]],
  malformed_request: [{ reason: "malformed_request", message: "why" }, 400, []],
  invalid_field: [{ reason: "invalid_field", problem: { field: "uri", expected: "a URI" } }, 400, []],
  invalid_capability: [{ reason: "invalid_capability" }, 400, []],
  not_delegable: [{ reason: "not_delegable" }, 400, []],
  wrong_capability: [{ reason: "wrong_capability", wanted: "revoke" }, 400, []],
  path_not_found: [{ reason: "path_not_found" }, 404, []],
  no_oauth: [{ reason: "no_oauth" }, 404, []],
  invalid_path: [{ reason: "invalid_path", message: "path: expected UTF-8 (utf-8)." }, 400, []],
  method_not_allowed: [{ reason: "method_not_allowed", allow: ["GET", "POST"] }, 405, ["Allow", "GET, POST"]],
  membrane_exists: [{ reason: "membrane_exists" }, 409, []],
  tenant_exists: [{ reason: "tenant_exists" }, 409, []],
  lineage_too_large: [{ reason: "lineage_too_large", limit: 7 }, 409, []],
  membrane_quota_exceeded: [{ reason: "membrane_quota_exceeded", limit: 7 }, 409, []],
  tenant_quota_exceeded: [{ reason: "tenant_quota_exceeded", limit: 7 }, 409, []],
  membrane_storage_exceeded: [{ reason: "membrane_storage_exceeded", limit: 7 }, 409, []],
  tenant_storage_exceeded: [{ reason: "tenant_storage_exceeded", limit: 7 }, 409, []],
  service_quota_exceeded: [{ reason: "service_quota_exceeded", limit: 7 }, 409, []],
  body_too_large: [{ reason: "body_too_large", limit: 7 }, 413, []],
  headers_too_large: [{ reason: "headers_too_large" }, 431, []],
  request_timeout: [{ reason: "request_timeout" }, 408, []],
  upgrade_not_supported: [{ reason: "upgrade_not_supported" }, 501, []],
  websocket_version_not_supported: [
    { reason: "websocket_version_not_supported" },
    426,
    ["Sec-WebSocket-Version", "13", "Upgrade", "websocket", "Connection", "Upgrade, close"],
  ],
  expectation_failed: [{ reason: "expectation_failed" }, 417, []],
  store_unavailable: [{ reason: "store_unavailable" }, 503, ["Retry-After", "1"]],
  store_full: [{ reason: "store_full" }, 503, ["Retry-After", "60"]],
  audit_unavailable: [{ reason: "audit_unavailable" }, 503, ["Retry-After", "60"]],
  record_too_new: [{ reason: "record_too_new" }, 503, []],
  store_failed: [{ reason: "store_failed" }, 503, ["Retry-After", "60"]],
  too_many_auth_failures: [{ reason: "too_many_auth_failures" }, 429, ["Retry-After", "60"]],
  capability_concurrency_exceeded: [
    { reason: "capability_concurrency_exceeded", limitName: LIMIT_NAME },
    429,
    ["Retry-After", "1"],
  ],
  tenant_concurrency_exceeded: [
    { reason: "tenant_concurrency_exceeded", limitName: LIMIT_NAME },
    429,
    ["Retry-After", "1"],
  ],
  quota_exhausted: [{ reason: "quota_exhausted", retryAfterSeconds: 7 }, 429, ["Retry-After", "7"]],
  service_overloaded: [{ reason: "service_overloaded", limitName: LIMIT_NAME }, 503, ["Retry-After", "1"]],
  revocations_unknown: [{ reason: "revocations_unknown" }, 503, ["Retry-After", "1"]],
  service_stopping: [{ reason: "service_stopping" }, 503, ["Retry-After", "1"]],
  header_not_allowed: [{ reason: "header_not_allowed", name: "X-Amz-Acl" }, 403, []],
  query_not_allowed: [{ reason: "query_not_allowed", key: "acl" }, 403, []],
  path_not_allowed: [{ reason: "path_not_allowed" }, 403, []],
  redirect_not_passed: [{ reason: "redirect_not_passed" }, 502, []],
  signed_body_too_large: [{ reason: "signed_body_too_large", limit: 7 }, 413, []],
  target_forbidden: [{ reason: "target_forbidden" }, 502, []],
  target_outdated: [{ reason: "target_outdated" }, 502, []],
  target_unreachable: [{ reason: "target_unreachable" }, 502, []],
  target_timeout: [{ reason: "target_timeout" }, 504, []],
  invalid_target_response: [{ reason: "invalid_target_response" }, 502, []],
  loop_detected: [{ reason: "loop_detected" }, 508, []],
};

test.each(Object.values(ROWS))("$reason becomes %i with headers %j", (denial, status, headers) => {
  const error = wireError(denial);
  expect(error).toMatchObject({ status, headers });
  expect(error.body).toMatchObject({ statusCode: status, code: denial.reason });
  expect(error.body.error).toMatch(/^[A-Z]/);
  expect(error.body.message).toMatch(/\S/);
});

test("a path that is not open is explained by what opens it, and curl's upload alone by its file's name", () => {
  const messageOf = (method: string): string =>
    wireError({ reason: "path_not_found" }, { method, path: "/x", rawHeaders: [] }).body.message;
  for (const method of ["GET", "POST", "PUT"]) expect(messageOf(method)).toContain("allowPath");
  expect(["GET", "POST", "PUT"].filter((method) => messageOf(method).includes("curl"))).toEqual(["PUT"]);
});

test("a message names the field that is wrong, the limit that was reached, and the alternative to a 413", () => {
  expect(wireError(ROWS.invalid_field[0]).body.message).toContain("uri");
  expect(wireError(ROWS.lineage_too_large[0]).body.message).toContain("7");
  expect(wireError(ROWS.body_too_large[0]).body.message).toContain("7");
  expect(wireError(ROWS.signed_body_too_large[0]).body.message).toContain("X-Payload-Sha256");
});

test.each([
  [{ allow: ["GET", "PUT"] }, "GET, PUT", "expected one of GET, PUT."],
  [{ allow: ["GET"] }, "GET", "expected GET."],
  [{ allow: [] }, "", "expected none, since the limits of this capability allow none."],
  [{ allow: [], fixed: "PUT" }, "", "the target is always sent PUT, which the limits do not allow."],
])("a 405 says which methods are allowed, or that none is: %j", (allowed, allow, message) => {
  const { headers, body } = wireError({ reason: "method_not_allowed", ...allowed });
  expect(headers).toEqual(["Allow", allow]);
  expect(body.message).toBe(`method: ${message}`);
});

test.each(["store_unavailable", "store_failed"] as const)(
  "%s says that nothing was sent, that the use may have been counted, and when it is safe to retry",
  (reason) => {
    const { message } = wireError({ reason }).body;
    expect(message).toContain("Nothing was sent to a target");
    expect(message).toContain("the use may have been counted");
    expect(message).toContain("If uses are not limited, it is safe to retry");
  },
);

test("a refusal by a limit names the header or the key, and what is wrong with it", () => {
  const messages = (["not_named", "not_listed", "ambiguous"] as const).flatMap((why) => [
    wireError({ reason: "header_not_allowed", name: "x-a", why }).body.message,
    wireError({ reason: "query_not_allowed", key: "x-a", why }).body.message,
  ]);
  for (const message of messages) expect(message).toContain("x-a");
  expect(new Set(messages).size).toBe(messages.length);
  // It may be the value that servers read differently.
  expect(messages.at(-1)).toContain("the pair with the key x-a");
  // One colon ends the name of the field, as in every other message.
  for (const message of messages) expect(message.split(": "), message).toHaveLength(2);
});

test("a fault is a 500 without details", () => {
  expect(internalError()).toMatchObject({ status: 500, headers: [], body: { code: "internal_error" } });
});

/** All others are refusals by policy: `http_request_denied`. */
const OTHER_PROXY_ERRORS: ReadonlyMap<string, string> = new Map([
  ["target_unreachable", "destination_unavailable"],
  ["target_timeout", "connection_timeout"],
  ["invalid_target_response", "http_response_incomplete"],
  ["loop_detected", "proxy_loop_detected"],
]);

test("in place of a target's response, every refusal but the 401 says so in Proxy-Status, and nothing else changes", () => {
  for (const [denial] of Object.values(ROWS)) {
    const error = wireError(denial);
    const proxyError = OTHER_PROXY_ERRORS.get(denial.reason) ?? "http_request_denied";
    const added = error.status === 401 ? [] : ["Proxy-Status", `membrane; error=${proxyError}`];
    expect(inPlaceOfTarget(error)).toEqual({ ...error, headers: [...error.headers, ...added] });
  }
});

test("a fault in place of a target's response is a proxy_internal_error", () => {
  expect(inPlaceOfTarget(internalError()).headers).toEqual([
    "Proxy-Status",
    "membrane; error=proxy_internal_error",
  ]);
});
