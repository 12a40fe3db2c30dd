import type { Outcome } from "../domain/denial.ts";
import { accept, deny } from "../domain/denial.ts";
import { valuesOf } from "./raw-headers.ts";
import type { Base } from "./references.ts";
import { REFERENCE_LIMIT, keepLinks, leadsBelow } from "./references.ts";

/** The parts of the request on which the response depends. */
export interface Asked {
  readonly target: { readonly origin: string; readonly base: Base; readonly carriesCredential: boolean };
  /** With the query, as sent. */
  readonly path: string;
  /** Flat list: the client's header lines as they came. */
  readonly clientHeaders: readonly string[];
}

/** Headers of the target's authentication. If the target carries no credential, the client answers them. */
const OF_AUTHENTICATION: ReadonlySet<string> = new Set([
  "authentication-control",
  "authentication-info",
  "optional-www-authenticate",
  "www-authenticate",
]);

/** Headers in which clients find a redirect; Python's urllib reads `URI`. */
const OF_REDIRECT: ReadonlySet<string> = new Set(["location", "uri"]);

/** Lower-case names of response headers that lead a client, or its credentials, somewhere. */
const LEADING: ReadonlySet<string> = new Set(["link", ...OF_REDIRECT, ...OF_AUTHENTICATION]);

export function isLeading(lowerCaseName: string): boolean {
  return LEADING.has(lowerCaseName);
}

/** Replaces the target's challenge: no client has a credential for it. */
const OUR_CHALLENGE = ["WWW-Authenticate", "Target"] as const;

/**
 * Clients that send `Authorization` again to any host that a redirect leads to. Most clients drop it; others that keep it are
 * unsafe with any gateway.
 */
const KEEPS_AUTHORIZATION = /^(?:Wget|Python-urllib)\//i;

/**
 * Removes from a response what would lead the holder's token, or its other credentials, elsewhere:
 *
 * - a challenge of a target that has its credential already (a client that answers a `realm` sends its own there:
 *   CVE-2020-15157);
 * - a `Link` outside the target's base, which clients follow with the token;
 * - a redirect outside the base for {@link KEEPS_AUTHORIZATION}: refused, since without its Location it means nothing.
 *
 * @param headers flat list of the headers that pass otherwise.
 */
export function leadNowhere(asked: Asked, status: number, headers: readonly string[]): Outcome<string[]> {
  const judge = judgeOf(asked);
  const passed: string[] = [];
  let isChallenged = false;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const value = headers[i + 1] ?? "";
    const lowerCase = name.toLowerCase();
    if (OF_AUTHENTICATION.has(lowerCase) && asked.target.carriesCredential) {
      if (lowerCase === "www-authenticate" && !isChallenged) passed.push(...OUR_CHALLENGE);
      isChallenged ||= lowerCase === "www-authenticate";
      continue;
    }
    if (OF_REDIRECT.has(lowerCase) && isRedirect(status) && keepsAuthorization(asked) && !judge(value))
      return deny({ reason: "redirect_not_passed" });
    const kept = lowerCase === "link" ? keepLinks(value, judge) : value;
    if (kept !== undefined) passed.push(name, kept);
  }
  return accept(passed);
}

/** Whether a reference leads below the target's base. After {@link REFERENCE_LIMIT} references, none does. */
function judgeOf({ target, path }: Asked): (reference: string) => boolean {
  let left = REFERENCE_LIMIT;
  return (reference) => {
    left -= 1;
    return left >= 0 && leadsBelow(target.base, target.origin + path, reference);
  };
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

function keepsAuthorization({ clientHeaders }: Asked): boolean {
  return valuesOf(clientHeaders, "user-agent").some((value) => KEEPS_AUTHORIZATION.test(value));
}
