/** How far a request came that was given to a connection and failed. */
export interface FailedAttempt {
  readonly request: { readonly method: string; readonly body: unknown };
  readonly connection: {
    /** It was there before. */
    readonly isReused: boolean;
    readonly isOpen: boolean;
    /** The target ended it: no limit, and nothing that it said. */
    readonly isClosedByTarget: boolean;
  };
  /** Something of the request may have reached the target. */
  readonly isBegun: boolean;
  /** Something of an answer came, an informational one or a part of a head too. */
  readonly isAnswered: boolean;
  /** The request was sent once more already. */
  readonly isRepeated: boolean;
}

/** Those that change nothing (RFC 9110 §9.2.1). TRACE is one too, and never comes here. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * What becomes of a request whose connection ended without an answer. A target may close a kept connection in the very
 * moment in which the next request is sent on it (RFC 9112 §9.3.1): a request that was not begun is sent on another
 * connection as if nothing had happened, and one that changes nothing is sent once more, on a new one.
 */
export function judgeAttempt(attempt: FailedAttempt): "send" | "send_again" | "fail" {
  const { request, connection, isBegun, isAnswered, isRepeated } = attempt;
  if (!connection.isReused) return "fail";
  if (!isBegun) return connection.isOpen ? "fail" : "send";
  if (isAnswered || isRepeated || !connection.isClosedByTarget) return "fail";
  return SAFE.has(request.method) && request.body === null ? "send_again" : "fail";
}
