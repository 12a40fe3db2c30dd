/**
 * Returns a hint for an invocation's response with status 400 or above. Its body, on standard output, has the details.
 *
 * @param isFromGateway whether the service responded in place of the target. It then sends `Proxy-Status`, and it drops
 *   a target's.
 */
export function adviseOnInvocation(statusCode: number, isFromGateway: boolean, authority: string): string {
  if (isFromGateway) {
    return statusCode < 500
      ? `${authority} refused the request; the body says why.`
      : `${authority} could not forward the target's response; the body says why.`;
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
      return "Try again later.";
    default:
      return "The body of the response has the details.";
  }
}
