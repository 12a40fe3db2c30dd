import type { TargetUri } from "capability-protocol";

/* References in a target's response. Some clients send their token again to the URI of a `Link` or a redirect. */

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

/** Where a reference leads below a target's base. */
export interface ReferenceBelowBase {
  /** What follows the base's path: empty, or beginning with a slash. */
  readonly path: string;
  /** Without "?". */
  readonly query: string;
  /** With "#"; empty if there is none. */
  readonly fragment: string;
}

/**
 * Resolves a reference in a response.
 *
 * @param requestUri the URI that was requested, against which a relative reference is resolved.
 * @returns nothing if it does not lead below the target's base, or not for every parser.
 */
export function resolveBelowBase(
  base: TargetBase,
  requestUri: string,
  reference: string,
): ReferenceBelowBase | undefined {
  if (!URI_CHARACTERS.test(reference)) return undefined;
  // Some parsers take `https:/a` for a path, others for a host.
  if (SCHEME.test(reference) && !WITH_AUTHORITY.test(reference)) return undefined;
  const url = resolve(reference, requestUri);
  if (url === undefined) return undefined;
  const { origin, username, password, pathname, search, hash } = url;
  if (origin !== base.origin || username !== "" || password !== "") return undefined;
  if (pathname !== base.path && !pathname.startsWith(`${base.path}/`)) return undefined;
  const query = writtenQuery(reference) ?? search.slice(1);
  return { path: pathname.slice(base.path.length), query, fragment: hash };
}

function resolve(reference: string, requestUri: string): URL | undefined {
  try {
    return new URL(reference, requestUri);
  } catch {
    return undefined;
  }
}

/** No scheme and no authority: the first segment has no colon, and two slashes do not begin it (RFC 3986 §4.2). */
const WITHOUT_AUTHORITY = /^(?!\/\/)[^:/?#]*(?:[/?#]|$)/;

/** Whether every client resolves a reference to the authority that it sent its own request to. */
export function keepsAuthority(reference: string): boolean {
  return URI_CHARACTERS.test(reference) && WITHOUT_AUTHORITY.test(reference);
}

/** The query as it is written: `URL` escapes apostrophes in it. Absent: there is none, and that of the request may count. */
function writtenQuery(reference: string): string | undefined {
  const [beforeFragment = ""] = reference.split("#", 1);
  const start = beforeFragment.indexOf("?");
  return start === -1 ? undefined : beforeFragment.slice(start + 1);
}

/** How many references of one response are checked, since each costs the parsing of a URI. Further ones are dropped. */
export const MAX_REFERENCES = 100;

/**
 * Decides about each reference in a `Link` field (RFC 8288). A link with one that is not passed on is removed.
 *
 * Everything in angle brackets counts, also inside quotes: clients find it with a regular expression.
 *
 * @param passOn returns what a reference becomes, or nothing if it must not be passed on.
 * @returns the field unchanged if each reference stays as it is, nothing if no link remains.
 */
export function mapLinks(
  field: string,
  passOn: (reference: string) => string | undefined,
): string | undefined {
  const links = splitLinks(field);
  const mapped = links.flatMap((link) => mapLink(link, passOn) ?? []);
  if (mapped.length === 0) return undefined;
  const isUnchanged = mapped.length === links.length && mapped.every((link, at) => link === links[at]);
  return isUnchanged ? field : mapped.join(", ");
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

function mapLink(link: string, passOn: (reference: string) => string | undefined): string | undefined {
  if (!link.startsWith("<")) return undefined;
  const parts: string[] = [];
  let end = 0;
  for (let from = 0; from !== -1; from = link.indexOf("<", end)) {
    const to = link.indexOf(">", from);
    const reference = link.slice(from + 1, to);
    if (to === -1 || reference.includes("<")) return undefined;
    const passed = passOn(reference);
    if (passed === undefined) return undefined;
    parts.push(link.slice(end, from + 1), passed);
    end = to;
  }
  return parts.join("") + link.slice(end);
}
