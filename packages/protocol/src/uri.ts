import { type Authority, parseAuthority } from "./authority.ts";
import { decodeBase64url } from "./base64url.ts";
import { type Parsed, accept, refuse } from "./result.ts";
import { type CapabilityToken, parseToken } from "./token.ts";

/** `cpblty://authority/#token`: the authority that answers for the capability, and its token. */
export interface AuthorityCapabilityUri {
  readonly kind: "authority";
  readonly authority: Authority;
  readonly token: CapabilityToken;
}

/** `cpblty:capabilityAuthority[@scheme]:token`: an authority named by a key. Nothing here can resolve it. */
export interface KeyCapabilityUri {
  readonly kind: "key";
  /** Canonical base64url. */
  readonly capabilityAuthority: string;
  readonly scheme?: string;
  readonly token: CapabilityToken;
}

/** A reference to a capability as it is written down and passed on. Whoever reads it can use it. */
export type CapabilityUri = AuthorityCapabilityUri | KeyCapabilityUri;

/** Where a capability is invoked: `Authorization: Bearer <token>` goes to `url`. */
export interface Endpoint {
  readonly authority: Authority;
  readonly url: string;
  readonly token: CapabilityToken;
}

/** More than an authority and a token can have, and room for a key. */
const LONGEST_URI = 4_096;

const AUTHORITY_FORM = /^cpblty:\/\/([^/?#]+)\/#(.*)$/s;
const KEY_FORM = /^cpblty:([A-Za-z0-9_-]+)(?:@([A-Za-z][A-Za-z0-9_-]*))?:(.*)$/s;

/** The capability URI that the text spells exactly, in either form; no space around it, no other spelling. */
export function parseCapabilityUri(text: string): CapabilityUri | undefined {
  if (text.length > LONGEST_URI) return undefined;
  return parseAuthorityForm(text) ?? parseKeyForm(text);
}

/** The written form; `parseCapabilityUri` gives the same value back. */
export function formatCapabilityUri(uri: CapabilityUri): string {
  if (uri.kind === "authority") return `cpblty://${uri.authority}/#${uri.token}`;
  const scheme = uri.scheme === undefined ? "" : `@${uri.scheme}`;
  return `cpblty:${uri.capabilityAuthority}${scheme}:${uri.token}`;
}

/** Where to send a request with this capability. A `key` URI is refused: it has no resolver. */
export function resolveEndpoint(uri: CapabilityUri): Parsed<Endpoint> {
  if (uri.kind === "key") return refuse("capability", AUTHORITY_FORM_EXPECTED);
  const { authority, token } = uri;
  return accept({ authority, url: `https://${authority}/`, token });
}

/** What a message says where only the resolvable form will do. */
export const AUTHORITY_FORM_EXPECTED: string =
  "a capability URI of the form cpblty://authority/#token; the form cpblty:key:token has no resolver here";

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
