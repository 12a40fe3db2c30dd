import type { TargetUri } from "capability-protocol";

/*
 * References in a target's response. Some clients send their token again to the URI of a `Link` or a redirect. So a link away from
 * the target is dropped, and a redirect away from it is refused to clients that are known to send the token there.
 */

/** The URIs that belong to a target: an origin, and a path up to a whole segment. */
export interface TargetBase {
  /** Serialized. */
  readonly origin: string;
  /** Without a trailing slash. */
  readonly path: string;
}

/** The base of a target's URI: without its query. */
export function baseOf({ origin, path }: Pick<TargetUri, "origin" | "path">): TargetBase {
  return { origin: origin.serialized, path: path.endsWith("/") ? path.slice(0, -1) : path };
}

/** The characters of a URI reference (RFC 3986). Parsers disagree on anything else: `https://a\@b/`. */
const URI_CHARACTERS = /^[\w\-.~:/?#[\]@!$&'()*+,;=%]*$/;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const WITH_AUTHORITY = /^https?:\/\/[^/]/i;

/**
 * Whether a reference in a response leads below the target's base, for every parser.
 *
 * @param requestUri the URI that was requested, against which a relative reference is resolved.
 */
export function isBelowBase(base: TargetBase, requestUri: string, reference: string): boolean {
  if (!URI_CHARACTERS.test(reference)) return false;
  // Some parsers take `https:/a` for a path, others for a host.
  if (SCHEME.test(reference) && !WITH_AUTHORITY.test(reference)) return false;
  if (!URL.canParse(reference, requestUri)) return false;
  const url = new URL(reference, requestUri);
  if (url.origin !== base.origin || url.username !== "" || url.password !== "") return false;
  return url.pathname === base.path || url.pathname.startsWith(`${base.path}/`);
}

/** How many references of one response are checked, since each costs the parsing of a URI. Further ones are dropped. */
export const MAX_REFERENCES = 100;

/**
 * Removes the links of a `Link` field (RFC 8288) that do not lead below the base.
 *
 * Everything in angle brackets counts, also inside quotes: clients find it with a regular expression.
 *
 * @param isAllowed whether a reference may be passed on.
 * @returns the field unchanged if all may be, nothing if none may be.
 */
export function filterLinks(field: string, isAllowed: (reference: string) => boolean): string | undefined {
  const links = splitLinks(field);
  const kept = links.filter((link) => isAllowedLink(link, isAllowed));
  if (kept.length === 0) return undefined;
  return kept.length === links.length ? field : kept.join(", ");
}

/** Splits at commas outside brackets and quoted strings, in one pass. */
function splitLinks(field: string): string[] {
  const links: string[] = [];
  let start = 0;
  let until = "";
  for (let at = 0; at < field.length; at += 1) {
    const character = field[at];
    if (until === "") {
      if (character === "<") until = ">";
      else if (character === '"') until = '"';
      else if (character === ",") {
        links.push(field.slice(start, at).trim());
        start = at + 1;
      }
    } else if (character === until) until = "";
    else if (character === "\\" && until === '"') at += 1;
  }
  links.push(field.slice(start).trim());
  return links.filter((link) => link !== "");
}

function isAllowedLink(link: string, isAllowed: (reference: string) => boolean): boolean {
  if (!link.startsWith("<")) return false;
  let from = link.indexOf("<");
  while (from !== -1) {
    const to = link.indexOf(">", from);
    const reference = link.slice(from + 1, to);
    if (to === -1 || reference.includes("<") || !isAllowed(reference)) return false;
    from = link.indexOf("<", to);
  }
  return true;
}
