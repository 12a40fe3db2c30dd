import type { UpstreamFailure } from "../../http1/upstream.ts";

/** Codes of undici's errors that report a timeout. Its other errors report that a response is invalid or incomplete. */
const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

export function failureOf(error: Error): UpstreamFailure {
  return "code" in error && typeof error.code === "string" && TIMEOUT_CODES.has(error.code)
    ? "timeout"
    : "incomplete";
}
