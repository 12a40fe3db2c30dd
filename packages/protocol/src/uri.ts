import { type Authority, parseAuthority } from "./authority.ts";
import { decodeBase64url } from "./base64url.ts";
import { type Parsed, ok, refuse } from "./result.ts";
import { type CapabilityToken, TOKEN_LENGTH, isPartialToken, parseToken } from "./token.ts";

/**
 * `cpblty://authority/#token`: the authority that serves the capability, and its token.
 *
 * @example
 * const uri = parseCapabilityUri(`cpblty://localhost:8443/#${TOKEN}`);
 * const found: AuthorityCapabilityUri | undefined = uri?.kind === "authority" ? uri : undefined;
 * found?.authority; // => "localhost:8443"
 */
export interface AuthorityCapabilityUri {
  readonly kind: "authority";
  readonly authority: Authority;
  readonly token: CapabilityToken;
}

/**
 * `cpblty:capabilityAuthority[@scheme]:token`: an authority named by a key. This package cannot resolve it.
 *
 * @example
 * const uri = parseCapabilityUri(`cpblty:aGk@x:${TOKEN}`);
 * const found: KeyCapabilityUri | undefined = uri?.kind === "key" ? uri : undefined;
 * found?.scheme; // => "x"
 */
export interface KeyCapabilityUri {
  readonly kind: "key";
  /** Canonical base64url. */
  readonly capabilityAuthority: string;
  readonly scheme?: string;
  readonly token: CapabilityToken;
}

/**
 * A reference to a capability, as it is stored and passed on. Anyone who has it can use the capability.
 *
 * @example
 * const uri: CapabilityUri | undefined = parseCapabilityUri(`cpblty:aGk:${TOKEN}`);
 * uri?.kind; // => "key"
 */
export type CapabilityUri = AuthorityCapabilityUri | KeyCapabilityUri;

/**
 * Where a capability is invoked: a request to `url` with `Authorization: Bearer <token>`.
 *
 * @example
 * const uri = parseCapabilityUri(`cpblty://localhost:8443/#${TOKEN}`);
 * const endpoint = uri && resolveEndpoint(uri);
 * const found: Endpoint | undefined = endpoint?.ok ? endpoint.value : undefined;
 * found?.url; // => "https://localhost:8443/"
 */
export interface Endpoint {
  readonly authority: Authority;
  readonly url: string;
  readonly token: CapabilityToken;
}

/** Longest text that is parsed: more than an authority and a token need, and enough for a key. */
const MAX_URI_LENGTH = 4_096;

const AUTHORITY_FORM = /^cpblty:\/\/([^/?#]+)\/#(.*)$/s;
const KEY_FORM = /^cpblty:([A-Za-z0-9_-]+)(?:@([A-Za-z][A-Za-z0-9_-]*))?:(.*)$/s;

/**
 * Parses a capability URI of either form. Space around it and other spellings are refused.
 *
 * @example
 * parseCapabilityUri(`cpblty://localhost:8443/#${TOKEN}`)?.kind; // => "authority"
 * parseCapabilityUri(TOKEN); // => undefined
 */
export function parseCapabilityUri(text: string): CapabilityUri | undefined {
  if (text.length > MAX_URI_LENGTH) return undefined;
  return parseAuthorityForm(text) ?? parseKeyForm(text);
}

/**
 * Formats a capability URI; `parseCapabilityUri` returns the same value.
 *
 * @example
 * const uri = parseCapabilityUri(`cpblty://localhost:8443/#${TOKEN}`);
 * uri && formatCapabilityUri(uri); // => `cpblty://localhost:8443/#${TOKEN}`
 */
export function formatCapabilityUri(uri: CapabilityUri): string {
  if (uri.kind === "authority") return `cpblty://${uri.authority}/#${uri.token}`;
  const scheme = uri.scheme === undefined ? "" : `@${uri.scheme}`;
  return `cpblty:${uri.capabilityAuthority}${scheme}:${uri.token}`;
}

/**
 * Returns where to send a request with this capability. A `key` URI is refused: it has no resolver.
 *
 * @example
 * const uri = parseCapabilityUri(`cpblty:aGk:${TOKEN}`);
 * uri && resolveEndpoint(uri); // => refuse("capability", AUTHORITY_FORM_EXPECTED)
 */
export function resolveEndpoint(uri: CapabilityUri): Parsed<Endpoint> {
  if (uri.kind === "key") return refuse("capability", AUTHORITY_FORM_EXPECTED);
  const { authority, token } = uri;
  return ok({ authority, url: `https://${authority}/`, token });
}

/**
 * Message for a place where only the resolvable form is accepted.
 *
 * @example
 * expectedCapability(""); // => AUTHORITY_FORM_EXPECTED
 */
export const AUTHORITY_FORM_EXPECTED: string =
  "a capability URI of the form cpblty://authority/#token; the form cpblty:key:token has no resolver here";

const SCHEME = "cpblty://";

const URI_FORM = "cpblty://authority/#token";

/**
 * Describes what was expected in place of a text that is not a resolvable capability URI. If the text is a truncated URI, for
 * example half of a line that was copied, one without its scheme, a token alone or a URL, the message says so. It contains
 * nothing of the text.
 *
 * @example
 * expectedCapability("cpblty://localhost:8443/").endsWith("; this one ends before its token"); // => true
 */
export function expectedCapability(text: unknown): string {
  const found = typeof text === "string" ? (findOtherForm(text) ?? findCut(text)) : undefined;
  return found === undefined ? AUTHORITY_FORM_EXPECTED : `a capability URI of the form ${URI_FORM}; ${found}`;
}

/** The parts of a capability URI that people have apart: the lines for a client name them so. */
function findOtherForm(text: string): string | undefined {
  const write = "write cpblty://AUTHORITY/#TOKEN";
  if (parseToken(text) !== undefined) return `this is a token alone: ${write}`;
  if (/^https?:\/\//i.test(text)) return `this is a URL of HTTP: ${write}`;
  return parseCapabilityUri(`${SCHEME}${text}`) === undefined
    ? undefined
    : `this one has no scheme: ${write}`;
}

function findCut(text: string): string | undefined {
  if (isPartialToken(text))
    return `this is only the beginning of a token, ${text.length} of ${TOKEN_LENGTH} characters`;
  if (text.length > MAX_URI_LENGTH || !text.startsWith(SCHEME)) return undefined;
  const [authority = "", token = ""] = splitOnce(text.slice(SCHEME.length), "/#");
  if (parseAuthority(authority.endsWith("/") ? authority.slice(0, -1) : authority) === undefined)
    return undefined;
  if (token === "") return "this one ends before its token";
  return isPartialToken(token)
    ? `this one is truncated: its token has ${token.length} of ${TOKEN_LENGTH} characters`
    : undefined;
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

function parseAuthorityForm(text: string): AuthorityCapabilityUri | undefined {
  const [, authorityText, tokenText] = AUTHORITY_FORM.exec(text) ?? [];
  const authority = parseAuthority(authorityText ?? "");
  const token = parseToken(tokenText ?? "");
  if (authority === undefined || token === undefined) return undefined;
  return { kind: "authority", authority, token };
}

function parseKeyForm(text: string): KeyCapabilityUri | undefined {
  const [, capabilityAuthority, scheme, tokenText] = KEY_FORM.exec(text) ?? [];
  const token = parseToken(tokenText ?? "");
  if (capabilityAuthority === undefined || token === undefined) return undefined;
  if (decodeBase64url(capabilityAuthority) === undefined) return undefined;
  return { kind: "key", capabilityAuthority, ...(scheme !== undefined && { scheme }), token };
}
