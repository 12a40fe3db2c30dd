/**
 * What to do about an answer of 400 and above to an invocation; its body says the rest and is on standard output.
 *
 * @param isFromGateway whether the service answered in place of the target: it says so with `Proxy-Status`, and lets none
 *   of a target's through.
 */
export function adviseOnInvocation(statusCode: number, isFromGateway: boolean, authority: string): string {
  if (isFromGateway) {
    return `${authority} could not bring the answer of the target; the body of this one says why.`;
  }
  switch (statusCode) {
    case 401:
      return [
        `If ${authority} says so, the capability has been revoked, or something it descends from, or it is of another`,
        "service: ask who gave it for another one. If its target says so, what the capability carries is out of date:",
        "export it again.",
      ].join("\n");
    case 404:
    case 405:
      return "The target says so, or the capability is one for something else: this needs an exported one.";
    case 429:
    case 503:
      return "Try again later.";
    default:
      return "The body of the answer says more.";
  }
}
