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

/** Query keys in which APIs accept a credential, in lower case. */
const QUERY_KEYS: ReadonlySet<string> = new Set(["access_token", "api_key", "apikey", "key", "token"]);

/** Those without another use. A `key` or `token` may also name an entry or a page. */
const UNAMBIGUOUS_KEYS: ReadonlySet<string> = new Set(["access_token", "api_key", "apikey"]);

/** Whether a header of this folded name holds a credential. */
export function isCredentialHeader(foldedName: string): boolean {
  if (EXACT_HEADERS.has(foldedName)) return true;
  // Most names fail this cheap check.
  const mayBe =
    foldedName.endsWith("key") || foldedName.endsWith("token") || foldedName.endsWith("authorization");
  return mayBe && HEADER_PATTERN.test(foldedName);
}

/** The keys of a query that hold a credential, folded. */
export function credentialKeys(query: string): ReadonlySet<string> {
  return new Set(keysOf(query).filter((key) => QUERY_KEYS.has(key)));
}

/**
 * The first key of a client's query that would be a second credential in addition to the target's.
 *
 * @param own keys of the target's own query that hold its credential.
 */
export function secondCredential(query: string, own: ReadonlySet<string>): string | undefined {
  return keysOf(query).find((key) => UNAMBIGUOUS_KEYS.has(key) || own.has(key));
}

function keysOf(query: string): string[] {
  if (query === "") return [];
  return query.split("&").map((pair) => {
    const end = pair.indexOf("=");
    return foldKey(decode((end === -1 ? pair : pair.slice(0, end)).replaceAll("+", " ")).toLowerCase());
  });
}

/** Where PHP ends the name of a variable: at a list, and at a zero byte. */
const END_OF_NAME = /[[\0]/;

/** Characters that PHP takes for an underscore. */
const UNDERSCORE = /[ .]/g;

/** The key as PHP names a variable after it: to a target in PHP, `api.key`, `api+key` and `api_key[]` are `api_key`. */
function foldKey(key: string): string {
  const name = key.trimStart();
  const end = name.search(END_OF_NAME);
  return (end === -1 ? name : name.slice(0, end)).replace(UNDERSCORE, "_");
}

function decode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // A key that cannot be decoded is none of those that are looked for.
    return text;
  }
}
