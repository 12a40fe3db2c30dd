import { FORWARDABLE_METHODS } from "capability-protocol";
import type { Denial } from "../domain/denial.ts";
import type { Rejection } from "../http1/listener.ts";
import { inPlaceOfTarget } from "./proxy-status.ts";
import { reasonPhrase } from "./reason-phrase.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";
import { JSON_HEADERS } from "./respond.ts";
import { wireError } from "./wire-error.ts";

/** The parsers tell what they refuse in words that differ by version, so this names all that a head and a body must be. */
const MALFORMED =
  "expected HTTP/1.1: lines of the form Name: value, each ended by CR LF, and a body of one decimal Content-Length or in chunks";

const DENIALS: Readonly<Record<Rejection, Denial>> = {
  malformed: { reason: "malformed_request", message: MALFORMED },
  headers_too_large: { reason: "headers_too_large" },
  request_timeout: { reason: "request_timeout" },
  connect: { reason: "method_not_allowed", allow: [...FORWARDABLE_METHODS] },
  plaintext: {
    reason: "malformed_request",
    message: "This port speaks HTTPS: expected https:// in place of http://.",
  },
};

/**
 * Makes the bytes of a response that closes its connection, for input that never becomes a request.
 *
 * @param onRefused logs the refusal and returns its request id.
 */
export function rejectionBytes(
  rejection: Rejection,
  onRefused: (denial: Denial, status: number) => string,
): string {
  const denial = DENIALS[rejection];
  const { status, headers, body } = inPlaceOfTarget(wireError(denial));
  const requestId = onRefused(denial, status);
  const text = JSON.stringify(body);
  const lines = [...JSON_HEADERS, ...headers, REQUEST_ID_HEADER, requestId];
  lines.push("Content-Length", String(Buffer.byteLength(text)), "Connection", "close");
  const head = lines.map((part, index) => (index % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join("");
  return `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${head}\r\n${text}`;
}
