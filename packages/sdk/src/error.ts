import type { ErrorBody } from "capability-protocol";
import { type Problem, describeProblem } from "capability-protocol/result";

/**
 * Why a call failed.
 *
 * | what happened | `statusCode` | `error` | `code` |
 * |---|---|---|---|
 * | invalid input, nothing was sent | 400 | `Bad Request` | `invalid_field` |
 * | the service refused | that of the response | the HTTP reason phrase | the service's, such as `membrane_exists` |
 * | there was no response | 0 | `Request failed` | `request_failed`; `cause` is the system's error |
 * | the response is not valid | that of the response | `Parsing response failed` | `invalid_response` |
 * | `requestReply`: the JSON of a successful response reports an error | that in the JSON, else of the response | that in the JSON | that in the JSON, else `error_response`; `cause` is the JSON |
 *
 * No field shows the capability that was used. The JSON of a target's response may contain anything.
 *
 * @example
 * const failed = await new Membrane()
 *   .create("not a capability", { id })
 *   .catch((error: CapabilityError) => error);
 * failed instanceof CapabilityError && failed.code; // => "invalid_field"
 */
export class CapabilityError extends Error {
  override readonly name = "CapabilityError";
  /** What kind of failure, in words. */
  readonly error: string;
  /** HTTP status; 0 if there was no response. */
  readonly statusCode: number;
  /** Stable, for programs. */
  readonly code: string;

  constructor(body: ErrorBody, options?: ErrorOptions) {
    super(body.message, options);
    this.error = body.error;
    this.statusCode = body.statusCode;
    this.code = body.code;
  }

  /** Returns the fields of an error response; JSON would lack the message otherwise. */
  toJSON(): ErrorBody {
    const { error, statusCode, message, code } = this;
    return { error, statusCode, message, code };
  }
}

/** Makes the error for input that the service would refuse, too. */
export function invalidField(problem: Problem): CapabilityError {
  const message = describeProblem(problem);
  return new CapabilityError({ statusCode: 400, error: "Bad Request", message, code: "invalid_field" });
}

/** @param cause the system's error for the connection. */
export function requestFailed(cause: unknown): CapabilityError {
  const message = `No response: ${describeCause(cause)}`;
  // Removes the bytes that Node could not parse, since their sender may have repeated the token.
  if (cause instanceof Error) Reflect.deleteProperty(cause, "rawPacket");
  return new CapabilityError(
    { statusCode: 0, error: "Request failed", message, code: "request_failed" },
    { cause },
  );
}

/** @param statusCode of the response. The error does not show its body, which may be anything. */
export function invalidResponse(statusCode: number, problem: Problem): CapabilityError {
  const message = `The response is not valid: ${describeProblem(problem)}`;
  return new CapabilityError({
    statusCode,
    error: "Parsing response failed",
    message,
    code: "invalid_response",
  });
}

/** Node's error codes for a response that is not TLS, which is mostly plain HTTP. */
const NOT_TLS_CODES: ReadonlySet<string> = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "EPROTO",
]);

/** Describes the system's error, which is a list without a message when a name has several addresses. */
function describeCause(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(describeCause).join(", ");
  // OpenSSL's message has a file and line of its source.
  if (cause instanceof Error && "code" in cause && NOT_TLS_CODES.has(String(cause.code)))
    return "the server does not speak TLS";
  return cause instanceof Error ? cause.message : "unknown";
}
