import { err, ok, parseAuthority } from "capability-protocol";
import type { Authority, Result } from "capability-protocol";
import type { BodyFraming, DownstreamRequest } from "../http1/downstream.ts";
import type { HandshakeHead } from "../http1/listener.ts";
import type { Carrier } from "../invocation/carrier.ts";
import { CARRIERS } from "../invocation/carrier.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import { readHandshake } from "../invocation/websocket/handshake.ts";
import type { Cidr } from "../net/address.ts";
import type { CarrierLine } from "./take-token.ts";
import { takeToken } from "./take-token.ts";

/** A request head that has one meaning only. One object, since it is made for each request. */
export interface ReadHead extends RequestHead {
  /** The value of `Host`. */
  readonly host: string;
  /** The request has neither a token nor `Authorization`. */
  readonly isAnonymous: boolean;
  readonly expect: string | undefined;
  /** The value of `Membrane-Operation`. Several lines are joined to a list, which is not a valid operation. */
  readonly operation: string | undefined;
  /** The client asks for another protocol, and the request cannot be served without it. */
  readonly upgrade: "websocket" | "other" | undefined;
}

export interface ReadHeadContext {
  /** Tells whether an authority is one of this service's. */
  readonly isOwn: (authority: Authority) => boolean;
  /** Proxies whose `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Request-Id` are trusted. */
  readonly trustedProxies: readonly Cidr[];
}

/**
 * Refuses a head that two parsers could understand differently, or that is not meant for this service. Node's parser accepts
 * such heads (docs/http-api.md, "Malformed requests"). The token is taken out of the request's header lines.
 *
 * @returns the head, or a message that says what was expected.
 */
export function readHead(
  request: Pick<DownstreamRequest, "method" | "url" | "rawHeaders" | "httpVersion" | "socket">,
  { isOwn, trustedProxies }: ReadHeadContext,
): Result<ReadHead, string> {
  const version = request.httpVersion;
  if (version !== "1.1" && version !== "1.0") return err("expected HTTP/1.1");
  const fields = collectFields(request.rawHeaders);
  if (fields.hosts !== 1 || !isHost(fields.host)) return err("Host: expected exactly one, host[:port]");
  if (fields.authorizations > 1) return err("Authorization: expected at most one");
  const framing = readFraming(fields, version);
  if (framing === undefined) {
    return err(
      "Transfer-Encoding: expected chunked alone, in HTTP/1.1; Content-Length: expected less than 2^53",
    );
  }
  const target = readTarget(request.url ?? "", isOwn);
  if (target === undefined) return err("request target: expected a path of this service, without fragment");

  const upgrade = version === "1.1" && fields.upgrade !== undefined ? readUpgrade(fields.upgrade) : undefined;
  const isUpgrade = upgrade !== undefined;
  const taken = takeToken(request, fields.carriers, { isUpgrade, trustedProxies });
  if (!taken.ok) return taken;
  return ok({
    httpVersion: version,
    method: request.method ?? "",
    path: target.path,
    query: target.query,
    rawHeaders: request.rawHeaders,
    body: framing,
    token: taken.value?.token,
    carrier: taken.value?.carrier,
    host: fields.host,
    isAnonymous: taken.value === undefined && fields.authorizations === 0,
    // HTTP/1.0 has neither: its clients would take a 100 for the response (RFC 9110 §10.1.1, §7.8).
    expect: version === "1.1" ? fields.expect : undefined,
    operation: fields.operation,
    upgrade,
  });
}

/** The header lines that the service itself reads: the first of each name, and their number where more than one is an error. */
interface HeaderFields {
  hosts: number;
  host: string;
  authorizations: number;
  carriers: CarrierLine[];
  codings: number;
  coding: string;
  length: string | undefined;
  expect: string | undefined;
  operation: string | undefined;
  upgrade: string | undefined;
}

function collectFields(rawHeaders: readonly string[]): HeaderFields {
  const fields: HeaderFields = {
    hosts: 0,
    host: "",
    authorizations: 0,
    carriers: [],
    codings: 0,
    coding: "",
    length: undefined,
    expect: undefined,
    operation: undefined,
    upgrade: undefined,
  };
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (READ_LENGTHS[name.length] !== true) continue;
    const value = rawHeaders[i + 1] ?? "";
    const lowerCase = name.toLowerCase();
    switch (lowerCase) {
      case "host":
        fields.hosts += 1;
        fields.host = value;
        break;
      case "authorization":
        fields.authorizations += 1;
        // A constant, with which the table of carriers is looked up faster than with a text that was just made.
        fields.carriers.push({ carrier: "authorization", index: i });
        break;
      case "transfer-encoding":
        fields.codings += 1;
        fields.coding = value;
        break;
      case "content-length":
        fields.length ??= value;
        break;
      case "expect":
        fields.expect = appendValue(fields.expect, value);
        break;
      case "upgrade":
        fields.upgrade = appendValue(fields.upgrade, value);
        break;
      case "membrane-operation":
        fields.operation = appendValue(fields.operation, value);
        break;
      default: {
        const carrier = CARRIER_BY_NAME.get(lowerCase);
        if (carrier !== undefined) fields.carriers.push({ carrier, index: i });
      }
    }
  }
  return fields;
}

const CARRIER_BY_NAME: ReadonlyMap<string, Carrier> = new Map(CARRIERS.map((name) => [name, name]));

/** Whether a name of this length is read. Most lines have another, and their names are compared with none. */
const READ_LENGTHS: readonly boolean[] = lengthsOf([
  ...CARRIERS,
  "host",
  "transfer-encoding",
  "content-length",
  "expect",
  "upgrade",
  "membrane-operation",
]);

function lengthsOf(names: readonly string[]): readonly boolean[] {
  const lengths = names.map((name) => name.length);
  return Array.from({ length: Math.max(...lengths) + 1 }, (_, length) => lengths.includes(length));
}

function appendValue(previous: string | undefined, value: string): string {
  return previous === undefined ? value : `${previous}, ${value}`;
}

/** Plain-text HTTP/2 is only an offer: Java's client and `curl --http2` continue with HTTP/1.1 (RFC 9110 §7.8). */
function readUpgrade(upgrade: string): ReadHead["upgrade"] {
  const protocols = upgrade.split(",").map((protocol) => protocol.trim().toLowerCase());
  if (protocols.every((protocol) => protocol === "h2c")) return undefined;
  return protocols.length === 1 && protocols[0] === "websocket" ? "websocket" : "other";
}

let latestHost: string | undefined;

/** Nearly all requests name the same host, so the URL parser, which decides, is called once for it. */
function isHost(text: string): boolean {
  if (text === latestHost) return true;
  if (readAuthority(text) === undefined) return false;
  latestHost = text;
  return true;
}

/** A name that ends in a dot is absolute, and otherwise the same name (RFC 3986 §3.2.2). */
function readAuthority(text: string): Authority | undefined {
  const colon = text.lastIndexOf(":");
  const end = colon === -1 || text.endsWith("]") ? text.length : colon;
  const isAbsolute = text[end - 1] === ".";
  return parseAuthority(isAbsolute ? text.slice(0, end - 1) + text.slice(end) : text);
}

const NO_BODY: BodyFraming = { kind: "none" };
const CHUNKED_BODY: BodyFraming = { kind: "chunked" };

function readFraming({ codings, coding, length }: HeaderFields, version: string): BodyFraming | undefined {
  if (codings > 0) {
    const isPlain = codings === 1 && coding.trim().toLowerCase() === "chunked";
    return isPlain && version === "1.1" ? CHUNKED_BODY : undefined;
  }
  // Node has checked that there is one line, and that it has digits only.
  const bytes = Number(length ?? "0");
  // A number without an exact representation would be forwarded as another number.
  if (!Number.isSafeInteger(bytes)) return undefined;
  return bytes === 0 ? NO_BODY : { kind: "length", length: bytes };
}

function readTarget(
  url: string,
  isOwn: (authority: Authority) => boolean,
): { readonly path: string; readonly query: string } | undefined {
  if (url.includes("#")) return undefined;
  const origin = /^https?:\/\/([^/?]*)/i.exec(url);
  if (origin !== null) {
    const authority = readAuthority(origin[1] ?? "");
    if (authority === undefined || !isOwn(authority)) return undefined;
  }
  const rest = origin === null ? url : url.slice(origin[0].length);
  if (origin === null && !rest.startsWith("/")) return undefined;
  const queryStart = rest.indexOf("?");
  const path = queryStart === -1 ? rest : rest.slice(0, queryStart);
  return { path: path === "" ? "/" : path, query: queryStart === -1 ? "" : rest.slice(queryStart + 1) };
}

/**
 * Whether a request is a WebSocket handshake, after which its connection carries another protocol. Called before the request is
 * handled; a head that {@link readHead} refuses may be one.
 */
export function isHandshake({ method = "", httpVersion, rawHeaders }: HandshakeHead): boolean {
  const fields = collectFields(rawHeaders);
  if (httpVersion !== "1.1" || fields.upgrade === undefined || readUpgrade(fields.upgrade) !== "websocket")
    return false;
  const body = readFraming(fields, httpVersion);
  return body !== undefined && readHandshake({ method, rawHeaders, body }).ok;
}
