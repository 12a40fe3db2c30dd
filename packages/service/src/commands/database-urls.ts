/** What begins the URL of a database. */
const SCHEME = /\bpostgres(?:ql)?:\/\//i;

/** A host, a port, a database and settings that are not secret, without any character that could be part of an unencoded password. */
const PLACE = String.raw`(?:[\w.~%-]*|\[[\da-f:.]+\])(?::\d{1,5})?(?:/[\w.~%-]*)?(?:\?${setting()}(?:&${setting()})*)?`;

/** The end of a URL in a sentence. */
const END = String.raw`(?=[,;:.)]{0,2}(?:$|[\s"'\x60]))`;

/** A URL that has no password, or the ellipsis of a message. */
const PLAIN_URL = new RegExp(String.raw`\bpostgres(?:ql)?://(?:…|(?:[\w.~%+-]*@)?${PLACE})${END}`, "gi");

const PLACE_AT = new RegExp(`@${PLACE}${END}`, "iy");

/** A user, which a password follows. PostgreSQL has names of 63 bytes, each of which the URL may encode. */
const USER = /[\w.~%+-]{0,189}:/y;

/**
 * Text without the passwords that its URLs of databases have. A password may have any character, even one that a URL would have to
 * encode: where it could end is then unknown, and all up to the last `@` of the text is left out, or all of it.
 */
export function hideDatabasePasswords(text: string): string {
  const scheme = SCHEME.exec(text);
  if (scheme === null) return text;
  const start = scheme.index + scheme[0].length;
  const others = text.slice(scheme.index).replace(PLAIN_URL, "");
  if (!SCHEME.test(others) && !others.includes("@")) return text;

  const shown = text.slice(0, start);
  const at = text.lastIndexOf("@");
  // Without a user, or with settings before it, the sign may be part of the password.
  if (at < start || text.slice(start, at).includes("?")) return `${shown}...`;
  const user = matchAt(USER, text, start) ?? "";
  const place = matchAt(PLACE_AT, text, at);
  if (place === undefined) return `${shown}${user}...`;
  const rest = text.slice(at + place.length);
  const isPlain = !SCHEME.test(rest.replace(PLAIN_URL, ""));
  return `${shown}${user}...${place}${isPlain ? rest : "..."}`;
}

function setting(): string {
  return String.raw`(?:host|port|dbname|user|passfile|ssl[a-z]+|connect_timeout)=[\w./~%-]*`;
}

function matchAt(sticky: RegExp, text: string, index: number): string | undefined {
  sticky.lastIndex = index;
  return sticky.exec(text)?.[0];
}
