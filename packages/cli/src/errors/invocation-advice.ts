/** What the headers say of who responded, and what to do. */
interface ResponseSource {
  readonly isFromGateway: boolean;
  readonly retryAfter: string | undefined;
  readonly requestId?: string | undefined;
}

/**
 * Returns a hint for an invocation's response with status 400 or above. Its body, on standard output, has the details.
 *
 * @param isFromGateway whether the service responded in place of the target. It then sends `Proxy-Status`, and it drops
 *   a target's.
 * @param retryAfter value of `Retry-After`, if there is one.
 * @param requestId value of `X-Request-Id`, if there is one.
 */
export function adviseOnInvocation(
  statusCode: number,
  { isFromGateway, retryAfter, requestId }: ResponseSource,
  authority: string,
): string {
  if (isFromGateway) {
    const advice = [adviseOnRefusal(statusCode, authority), ...waiting(retryAfter)].join(" ");
    // The body says little of a target, which is not the holder's to know.
    return statusCode < 500 || requestId === undefined
      ? advice
      : `${advice}\nIts operator finds more in the log, by the request id ${requestId}`;
  }
  switch (statusCode) {
    case 401:
      return [
        `If ${authority} sent this, the capability or one of its ancestors has been revoked or has ended, it is used up, not valid`,
        "yet or not for this address, or it belongs to another service: ask its issuer for a new one. If the target sent this,",
        "the credentials of the capability are out of date: export it again.",
      ].join("\n");
    case 404:
    case 405:
      return "The target sent this, or the capability is of another kind: this needs an exported one.";
    case 429:
    case 503:
      return waiting(retryAfter)[0] ?? "Try again later.";
    default:
      return "The body of the response has the details.";
  }
}

function adviseOnRefusal(statusCode: number, authority: string): string {
  if (statusCode < 500) return `${authority} refused the request; the body says why.`;
  return FORWARDING_STATUSES.has(statusCode)
    ? `${authority} could not forward the request or the target's response; the body says why.`
    : `${authority} did not carry out the request; the body says why.`;
}

/** Statuses of a gateway that could not reach its target, or not pass on the response. */
const FORWARDING_STATUSES: ReadonlySet<number> = new Set([502, 504, 508]);

/** A date in place of seconds is in the headers, which `-i` shows. */
function waiting(retryAfter: string | undefined): readonly string[] {
  if (retryAfter === undefined || !/^[0-9]{1,9}$/.test(retryAfter)) return [];
  return [`Try again in ${Number(retryAfter) === 1 ? "a second" : `${Number(retryAfter)} seconds`}.`];
}
