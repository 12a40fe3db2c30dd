/**
 * Header names in which APIs accept a credential, folded. Only names without the structure of {@link HEADER_PATTERN}, which
 * is a word for what is opened, then `key` or `token`.
 */
const EXACT_HEADERS: ReadonlySet<string> = new Set([
  "circle-token",
  "cookie",
  "dd-application-key",
  "fastly-key",
  "job-token",
  "private-token",
  "x-consul-token",
  "x-figma-token",
  "x-functions-key",
  "x-github-token",
  "x-gitlab-token",
  "x-jfrog-art-api",
  "x-ms-authorization-auxiliary",
  "x-nomad-token",
  "x-plex-token",
  "x-rapidapi-key",
  "x-vault-token",
]);

/** `authorization`, `x-api-key`, `apikey`, `x-goog-api-key`, `x-amz-security-token`, `ocp-apim-subscription-key`, … */
const HEADER_PATTERN =
  /(?:^|-)(?:authorization(?:-token)?|(?:access|api|auth|bearer|secret|security|session|subscription)-?(?:key|token))$/;

/** Query keys in which APIs accept a credential, folded. A `key` or `token` may also name an entry or a page. */
const AMBIGUOUS_KEYS: ReadonlySet<string> = new Set(["key", "token"]);

/** Whether a header of this folded name holds a credential. */
export function isCredentialHeader(foldedName: string): boolean {
  if (EXACT_HEADERS.has(foldedName)) return true;
  // Most names fail this cheap check.
  const mayBe =
    foldedName.endsWith("key") || foldedName.endsWith("token") || foldedName.endsWith("authorization");
  return mayBe && HEADER_PATTERN.test(foldedName);
}

/** Whether a query key has no other use than a credential: it is the name of such a header, with underscores or not. */
function isCredentialKey(key: string): boolean {
  return isCredentialHeader(key.replaceAll("_", "-"));
}

/** The keys of a query that hold a credential, folded. */
export function credentialKeys(query: string): ReadonlySet<string> {
  return new Set(keysOf(query).filter(holdsCredential));
}

/** The keys of a target's own query, as servers may read them. */
export function ownKeys(query: string): ReadonlySet<string> {
  return query === "" ? NO_KEYS : new Set(keysOf(query));
}

/** One for all targets without a query, which are most. */
const NO_KEYS: ReadonlySet<string> = new Set();

/**
 * The first key of a client's query that the target has itself, of which servers take one or the other; or that would be a second
 * credential in addition to the target's.
 *
 * @param own see {@link ownKeys}.
 */
export function forbiddenKey(
  query: string,
  own: ReadonlySet<string>,
  { carriesCredential }: { readonly carriesCredential: boolean },
): string | undefined {
  if (own.size === 0 && !carriesCredential) return undefined;
  return keysOf(query).find((key) => own.has(key) || (carriesCredential && holdsCredential(key)));
}

function holdsCredential(key: string): boolean {
  return AMBIGUOUS_KEYS.has(key) || isCredentialKey(key);
}

/** HTML 4 recommended `;` too: Rack 2 and Python before 3.9.2 end a parameter there. */
const SEPARATOR = /[&;]/;

function keysOf(query: string): string[] {
  if (query === "") return [];
  return query.split(SEPARATOR).flatMap((pair) => {
    const end = pair.indexOf("=");
    // Most of the work is for each pair, and a query of separators alone has as many as it has characters.
    if (end === 0 || pair === "") return [];
    return readings(decode((end === -1 ? pair : pair.slice(0, end)).replaceAll("+", " ")).toLowerCase());
  });
}

/** Characters that PHP takes for an underscore. */
const UNDERSCORE = /[ .]/g;

/**
 * The names that targets read a key as. To PHP, `api.key`, `api+key`, `api_key[]` and, since nothing closes the bracket,
 * `api[key` are `api_key`, and a zero byte ends a name; to Rack and to Express, `[api_key]` is `api_key`.
 */
function readings(key: string): readonly string[] {
  const [name = ""] = key.trimStart().split("\0", 1);
  if (!/[[\]]/.test(name)) return [name.replace(UNDERSCORE, "_")];
  const [outer = ""] = name.replace(/^[[\] ]+/, "").split(/[[\]]/, 1);
  return [outer, name.replaceAll("[", "_")].map((reading) => reading.replace(UNDERSCORE, "_"));
}

/** Byte by byte: the names are ASCII, and an escape that is no UTF-8 must not hide one. ASP.NET reads `%u005f`. */
function decode(text: string): string {
  return text.replace(ESCAPE, (_escape, unit?: string, byte?: string) =>
    String.fromCharCode(Number.parseInt(unit ?? byte ?? "", 16)),
  );
}

const ESCAPE = /%(?:u([\da-f]{4})|([\da-f]{2}))/gi;
