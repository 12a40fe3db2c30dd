import type { CapabilityToken } from "capability-protocol";
import { parseToken } from "capability-protocol";
import type { DownstreamRequest } from "../http1/downstream.ts";
import { listOf, valuesOf } from "../invocation/raw-headers.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import type { Cidr } from "../net/address.ts";
import { isLoopbackPeer } from "../net/peer-address.ts";
import { isTrustedProxy } from "./client-address.ts";

/*
 * Basic credentials (RFC 7617). A browser that has asked for them once adds them to every later request, also to a form that
 * another site sends. So they are neither offered to a browser nor accepted from one.
 */

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** The tokens of `any:TOKEN` or `TOKEN:`. */
export function parseBasic(credentials: string): readonly CapabilityToken[] {
  if (!BASE64.test(credentials)) return [];
  const text = Buffer.from(credentials, "base64").toString("latin1");
  const colon = text.indexOf(":");
  if (colon === -1) return [];
  const user = parseToken(text.slice(0, colon));
  const password = text.slice(colon + 1);
  if (password === "") return user === undefined ? [] : [user];
  const token = parseToken(password);
  if (token === undefined) return [];
  return user === undefined ? [token] : [user, token];
}

/** Whether Basic credentials count: sent by no browser, and over a connection that no third party can read. */
export function acceptsBasic(
  { rawHeaders, socket }: Pick<DownstreamRequest, "rawHeaders" | "socket">,
  trustedProxies: readonly Cidr[],
): boolean {
  if (isFromBrowser(rawHeaders)) return false;
  if (socket.encrypted === true) return true;
  const remote = socket.remoteAddress ?? "";
  if (isLoopbackPeer(remote)) return true;
  const schemes = listOf(rawHeaders, "x-forwarded-proto");
  return (
    schemes.length > 0 &&
    schemes.every((scheme) => scheme.toLowerCase() === "https") &&
    isTrustedProxy(remote, trustedProxies)
  );
}

/** What the challenge depends on. */
export type ChallengedHead = Pick<RequestHead, "path" | "rawHeaders">;

export const BEARER_CHALLENGE = "Bearer";
const BASIC_CHALLENGE = 'Basic realm="membrane"';

/**
 * The challenge of a 401. It depends on the path and the headers without token, so that it says nothing about a token that was
 * sent. git sends credentials only if Basic is offered; docker and skopeo fail at a `Bearer` without `realm`.
 */
export function challenge({ path, rawHeaders }: ChallengedHead): string {
  if (path === "/" || isFromBrowser(rawHeaders) || namesHtml(rawHeaders)) return BEARER_CHALLENGE;
  return path === "/v2" || path.startsWith("/v2/")
    ? BASIC_CHALLENGE
    : `${BEARER_CHALLENGE}, ${BASIC_CHALLENGE}`;
}

/**
 * Headers that browsers add and no page can remove. Older ones, and those that open a WebSocket, send no fetch metadata; they name
 * the site of a form or a WebSocket in `Origin`.
 */
const BROWSER_HEADERS = ["sec-fetch-site", "sec-fetch-dest", "origin"];

function isFromBrowser(rawHeaders: readonly string[]): boolean {
  return BROWSER_HEADERS.some((name) => valuesOf(rawHeaders, name).length > 0);
}

/** Whether the client accepts HTML: browsers without fetch metadata say so when they navigate. */
function namesHtml(rawHeaders: readonly string[]): boolean {
  return valuesOf(rawHeaders, "accept").some((value) => value.toLowerCase().includes("text/html"));
}
