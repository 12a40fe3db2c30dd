/** What a target did wrong while a request to it was in flight. The message is for the log; no client gets it. */
export class TargetError extends Error {
  override readonly name = "TargetError";
  readonly code:
    | "TARGET_CLOSED"
    | "TARGET_HEAD_TOO_LARGE"
    | "TARGET_INVALID_RESPONSE"
    | "TARGET_NO_RESPONSE"
    | "TARGET_SILENT";

  constructor(code: TargetError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** The target is too slow: it has not begun its response, or has stopped within it. */
export function overdue(what: "no response" | "silent"): TargetError {
  return what === "silent"
    ? new TargetError("TARGET_SILENT", "The target has stopped within its response")
    : new TargetError("TARGET_NO_RESPONSE", "The target has not responded in time");
}

/** The service itself has ended the request: its client is gone, it is revoked, or the connection's pool is closed. */
export class RequestEndedError extends Error {
  override readonly name = "RequestEndedError";
  readonly code = "REQUEST_ENDED";
}

/** A request that must not be written: it would be another request than its parts say. It is a fault of the caller. */
export class InvalidRequestError extends Error {
  override readonly name = "InvalidRequestError";
  readonly code = "INVALID_REQUEST";
}

/** The body has another length than the headers say: the target would take a part of it for the next request, or wait for more. */
export class LengthMismatchError extends InvalidRequestError {
  constructor() {
    super("a body must be as long as its Content-Length");
  }
}
