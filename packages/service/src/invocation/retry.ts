/** A request that was given to a connection and failed, and how far it came. */
export interface FailedAttempt {
  readonly request: { readonly method: string; readonly body: unknown };
  readonly connection: {
    /** It was open before the request. */
    readonly isReused: boolean;
    readonly isOpen: boolean;
    /** The target ended it: not a limit, nor an error in what the target sent. */
    readonly isClosedByTarget: boolean;
  };
  /** Something of the request may have reached the target. */
  readonly isSent: boolean;
  /** Part of a response arrived, even an interim response or half a head. */
  readonly isResponseStarted: boolean;
  /** The request was already sent once more. */
  readonly isRetried: boolean;
}

/** Safe methods (RFC 9110 §9.2.1). TRACE is safe too, and is refused before. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Decides about a request whose connection ended without a response. A target may close a kept-alive connection just as the
 * next request is sent on it (RFC 9112 §9.3.1): a request of which nothing was sent goes to another connection, and one with a
 * safe method and no body is sent once more, on a new connection.
 */
export function decideRetry(attempt: FailedAttempt): "send" | "send_again" | "fail" {
  const { request, connection, isSent, isResponseStarted, isRetried } = attempt;
  if (!connection.isReused) return "fail";
  if (!isSent) return connection.isOpen ? "fail" : "send";
  if (isResponseStarted || isRetried || !connection.isClosedByTarget) return "fail";
  return SAFE_METHODS.has(request.method) && request.body === null ? "send_again" : "fail";
}
