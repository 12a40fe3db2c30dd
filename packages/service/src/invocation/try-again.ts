/** How far a request came that was given to a connection and failed. */
export interface FailedAttempt {
  readonly method: string;
  readonly hasBody: boolean;
  /** Something of it may have reached the target. */
  readonly isBegun: boolean;
  /** Something of an answer came, an informational one or a part of a head too. */
  readonly isAnswered: boolean;
  /** The connection was there before. */
  readonly isReused: boolean;
  readonly isOpen: boolean;
  /** The target ended the connection: no limit, and nothing that it said. */
  readonly isClosedByTarget: boolean;
  /** The request was sent once more already. */
  readonly isRepeated: boolean;
}

/** Those that change nothing (RFC 9110 §9.2.1) and are no question to us: TRACE goes nowhere. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * What becomes of a request whose connection ended without an answer. A target may close a kept connection in the very
 * moment in which the next request is sent on it (RFC 9112 §9.3.1): a request that was not begun is sent on another
 * connection as if nothing had happened, and one that changes nothing is sent once more, on a new one.
 */
export function judgeAttempt(attempt: FailedAttempt): "send" | "send_again" | "fail" {
  const { isReused, isOpen, isBegun } = attempt;
  if (!isReused) return "fail";
  if (!isBegun) return isOpen ? "fail" : "send";
  const isHarmless = SAFE.has(attempt.method) && !attempt.hasBody;
  const isUnanswered = attempt.isClosedByTarget && !attempt.isAnswered;
  return isHarmless && isUnanswered && !attempt.isRepeated ? "send_again" : "fail";
}
