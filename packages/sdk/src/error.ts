import { type ErrorBody, type Problem, describeProblem } from "capability-protocol";

/**
 * Why a call failed.
 *
 * | what happened | `statusCode` | `error` | `code` |
 * |---|---|---|---|
 * | bad input, nothing was sent | 400 | `Bad Request` | `invalid_field` |
 * | the service refused | its own | the HTTP reason phrase | the service's, such as `membrane_exists` |
 * | no response came | 0 | `Request failed` | `request_failed`; `cause` is the system's error |
 * | the response cannot be read | its own | `Parsing response failed` | `invalid_response` |
 * | `requestReply`: the JSON of a good answer tells of an error | what it says, else its own | what it says | what it says, else `error_response`; `cause` is that JSON |
 *
 * No field shows the capability that was used; what a target answered may hold anything.
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

  /** The fields that an error answer has; without this, JSON would lack the message. */
  toJSON(): ErrorBody {
    const { error, statusCode, message, code } = this;
    return { error, statusCode, message, code };
  }
}

/** Input that the service would refuse too. */
export function invalidField(problem: Problem): CapabilityError {
  const message = describeProblem(problem);
  return new CapabilityError({ statusCode: 400, error: "Bad Request", message, code: "invalid_field" });
}

/** @param cause what the system said of the connection. */
export function requestFailed(cause: unknown): CapabilityError {
  const message = `No answer: ${describeCause(cause)}`;
  // Bytes that Node could not parse: their sender may have repeated the token.
  if (cause instanceof Error) Reflect.deleteProperty(cause, "rawPacket");
  return new CapabilityError(
    { statusCode: 0, error: "Request failed", message, code: "request_failed" },
    { cause },
  );
}

/** @param statusCode of the response. Its body is not repeated: it may be anything. */
export function invalidResponse(statusCode: number, problem: Problem): CapabilityError {
  const message = `The answer is not what a Membrane Service sends: ${describeProblem(problem)}`;
  return new CapabilityError({
    statusCode,
    error: "Parsing response failed",
    message,
    code: "invalid_response",
  });
}

/** Node's codes for a response that is not TLS: mostly plain HTTP. */
const NOT_TLS_CODES: ReadonlySet<string> = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "EPROTO",
]);

/** Where a name has several addresses, the system's error is a list without a message of its own. */
function describeCause(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(describeCause).join(", ");
  // OpenSSL names its own file and line.
  if (cause instanceof Error && "code" in cause && NOT_TLS_CODES.has(String(cause.code)))
    return "what answers there does not speak TLS";
  return cause instanceof Error ? cause.message : "unknown";
}
