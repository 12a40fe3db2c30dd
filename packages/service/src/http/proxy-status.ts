import type { ErrorCode, WireError } from "./wire-error.ts";

/** The proxy errors of RFC 9209 that are sent. They have no further parameters: details would reveal the target. */
type ProxyError =
  | "destination_unavailable"
  | "connection_timeout"
  | "http_response_incomplete"
  | "http_request_denied"
  | "proxy_internal_error"
  | "proxy_loop_detected";

/** This service's name in `Proxy-Status`. */
const PROXY_NAME = "membrane";

/** Errors that are not refusals of the request. A 401 has none: it is the same for every request. */
const PROXY_ERRORS: Readonly<Partial<Record<ErrorCode, ProxyError | undefined>>> = {
  unauthorized: undefined,
  target_unreachable: "destination_unavailable",
  target_timeout: "connection_timeout",
  invalid_target_response: "http_response_incomplete",
  loop_detected: "proxy_loop_detected",
  internal_error: "proxy_internal_error",
};

/** Says that the error is not a target's, as a client could think of any status. */
export function inPlaceOfTarget(error: WireError): WireError {
  const { code } = error.body;
  const proxyError = Object.hasOwn(PROXY_ERRORS, code) ? PROXY_ERRORS[code] : "http_request_denied";
  if (proxyError === undefined) return error;
  return { ...error, headers: [...error.headers, "Proxy-Status", `${PROXY_NAME}; error=${proxyError}`] };
}
