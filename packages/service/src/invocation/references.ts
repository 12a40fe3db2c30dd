/*
 * Where a target's response leads its client. Clients send their token again to where a `Link` or a redirect leads: what
 * leads away from the target is therefore not passed on, or not to clients that are known to do so.
 */

/** Part of the web that belongs to a target: an origin, and a path that ends where a segment ends. */
export interface Base {
  readonly origin: string;
  /** Without a slash at its end. */
  readonly path: string;
}

/** The target's own URI as a base: its query aside. */
export function baseOf(url: URL): Base {
  const { pathname } = url;
  return { origin: url.origin, path: pathname.endsWith("/") ? pathname.slice(0, -1) : pathname };
}

/** All that may stand in a URI reference (RFC 3986). Of anything else two readers make two things: `https://a\@b/`. */
const URI_CHARACTERS = /^[\w\-.~:/?#[\]@!$&'()*+,;=%]*$/;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const WITH_AUTHORITY = /^https?:\/\/[^/]/i;

/**
 * Whether a reference in a response leads below the target's base, for every reader.
 *
 * @param sent the URI that was asked for, against which a relative reference is resolved.
 */
export function leadsBelow(base: Base, sent: string, reference: string): boolean {
  if (!URI_CHARACTERS.test(reference)) return false;
  // `https:/a` is a path to some and a host to others.
  if (SCHEME.test(reference) && !WITH_AUTHORITY.test(reference)) return false;
  if (!URL.canParse(reference, sent)) return false;
  const url = new URL(reference, sent);
  if (url.origin !== base.origin || url.username !== "" || url.password !== "") return false;
  return url.pathname === base.path || url.pathname.startsWith(`${base.path}/`);
}

/** How many references of one response are looked at: each costs the parsing of a URI. What comes after is dropped. */
export const REFERENCE_LIMIT = 100;

/**
 * The links of a `Link` field (RFC 8288) that are all below the base, the others left out.
 *
 * Whatever stands in angle brackets counts, in quotes too: clients look for it with a regular expression.
 *
 * @param judge whether a reference may be passed on.
 * @returns the field as it came if all may be, nothing if none may be.
 */
export function keepLinks(field: string, judge: (reference: string) => boolean): string | undefined {
  const links = splitLinks(field);
  const kept = links.filter((link) => isLink(link, judge));
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

function isLink(link: string, judge: (reference: string) => boolean): boolean {
  if (!link.startsWith("<")) return false;
  let from = link.indexOf("<");
  while (from !== -1) {
    const to = link.indexOf(">", from);
    const reference = link.slice(from + 1, to);
    if (to === -1 || reference.includes("<") || !judge(reference)) return false;
    from = link.indexOf("<", to);
  }
  return true;
}
