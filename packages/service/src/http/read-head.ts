import { err, ok } from "capability-protocol";
import type { Authority, Result } from "capability-protocol";
import type { DownstreamRequest } from "../http1/downstream.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import { RequestMemo } from "../invocation/request-memo.ts";
import type { Cidr } from "../net/address.ts";
import { readFraming } from "./framing.ts";
import { collectFields } from "./head-fields.ts";
import { readRequestTarget } from "./request-target.ts";
import { takeToken } from "./take-token.ts";
import type { Upgrade } from "./upgrade.ts";
import { readUpgrade } from "./upgrade.ts";

/** A request head that has one meaning only. One object, since it is made for each request. */
export interface ReadHead extends RequestHead {
  /** The value of `Host`. */
  readonly host: string;
  /** The request has neither a token nor `Authorization`. */
  readonly isAnonymous: boolean;
  readonly expect: string | undefined;
  /** The value of `Membrane-Operation`. Several lines are joined to a list, which is not a valid operation. */
  readonly operation: string | undefined;
  readonly upgrade: Upgrade | undefined;
}

export interface ReadHeadContext {
  /** Tells whether a text is the value of a `Host`. */
  readonly isHost: (text: string) => boolean;
  /** Tells whether an authority is one of this service's. */
  readonly isOwn: (authority: Authority) => boolean;
  /** Proxies whose `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Request-Id` are trusted. */
  readonly trustedProxies: readonly Cidr[];
}

/**
 * Refuses a head that two parsers could understand differently, or that is not meant for this service. Node's parser accepts
 * such heads (docs/http-api.md, "Which requests are malformed?"). The token is taken out of the request's header lines.
 *
 * @returns the head, or a message that says what was expected.
 */
export function readHead(request: HeadedRequest, context: ReadHeadContext): Result<ReadHead, string> {
  const { repeated } = request;
  if (repeated === undefined) return readOnce(request, context, undefined);
  const known = REPEATED.get(repeated);
  if (known !== undefined) return known;
  const read = readOnce(request, context, new RequestMemo());
  REPEATED.set(repeated, read);
  return read;
}

type HeadedRequest = Pick<
  DownstreamRequest,
  "method" | "url" | "rawHeaders" | "httpVersion" | "socket" | "repeated"
>;

/** What was read of heads that come again. All requests of such a head are of one connection, and so of one listener. */
const REPEATED = new WeakMap<object, Result<ReadHead, string>>();

function readOnce(
  request: HeadedRequest,
  { isHost, isOwn, trustedProxies }: ReadHeadContext,
  memo: RequestMemo | undefined,
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
  const target = readRequestTarget(request.url ?? "", isOwn);
  if (target === undefined) return err("request target: expected a path of this service, without fragment");
  const upgrade = readUpgrade(fields, version);
  const taken = takeToken(request, fields.carriers, trustedProxies, upgrade);
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
    // A client of HTTP/1.0 would take a 100 for the response (RFC 9110 §10.1.1).
    expect: version === "1.1" ? fields.expect : undefined,
    operation: fields.operation,
    upgrade,
    memo,
  });
}
