import { Readable } from "node:stream";
import { err, ok } from "capability-protocol";
import type { PayloadPlan } from "capability-protocol/signers";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import { thenMaybe } from "../collections/maybe-promise.ts";
import type { Denial, Outcome } from "../domain/denial.ts";
import { PASSED, invalid } from "../domain/denial.ts";
import { headSize, headerLinesSize } from "../domain/head-size.ts";
import type { Pools } from "../egress/pools.ts";
import type { AccountRegistry } from "./usage-accounts.ts";
import type { AuthorizedUri } from "./authorize.ts";
import { authorize } from "./authorize.ts";
import type { CompiledLimits } from "./limits/compiled-limits.ts";
import { narrow } from "./narrow.ts";
import type { ConcurrencyLimiter } from "./concurrency-limiter.ts";
import { addHop } from "./loop-detection.ts";
import type { BodyContext, Payload } from "./payload.ts";
import { checkDeclaredLength, preparePayload, withLength } from "./payload.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import type { RequestHead } from "./request-head.ts";
import type { Authenticated, Resolution } from "./resolve.ts";
import type { ShapedRequest } from "./shape.ts";
import { shape } from "./shape.ts";
import { planPayload, sign } from "./sign.ts";
import { findTokenCopy } from "./token-copy.ts";
import type { ExchangeContext, ExchangeEnd, UpstreamRequest } from "./exchange-context.ts";
import { Exchange } from "./exchange.ts";
import type { PreparedTarget } from "./prepared-target.ts";
import type { UseContext } from "./count-use.ts";
import { countUse } from "./count-use.ts";
import type { WebSocketHandshake } from "./websocket/handshake.ts";
import type { WebSocketContext } from "./websocket/switch-protocols.ts";
import { askForWebSocket } from "./websocket/switch-protocols.ts";

/** All that invocations are handed. */
export interface InvocationContext extends ExchangeContext, BodyContext, WebSocketContext, UseContext {
  readonly pools: Pools;
  readonly accountRegistry: AccountRegistry;
  readonly concurrencyLimiter: ConcurrencyLimiter;
  readonly now: () => Date;
  /** Names this service in `Via` and `CDN-Loop`. */
  readonly hopId: string;
  /** This service's origin, serialized: references of a target become references to it. */
  readonly ownOrigin: string;
  /** How many bytes the head of a request to a target may have. */
  readonly headerBytes: number;
  /** How long a target may take to begin its response, in milliseconds. */
  readonly responseTimeoutMs: number;
  /** How long a target may send nothing, before its response and within it, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/** The client's side. */
export interface Downstream extends HttpExchange {
  readonly head: RequestHead;
  /** Set if the use would be refused; applied after all checks of the request itself. */
  readonly useDenial: Denial | undefined;
  /** The client asks for a WebSocket. */
  readonly handshake: WebSocketHandshake | undefined;
}

type Upstream = NonNullable<Resolution["upstream"]>;

/** Invokes a resolved capability, from the client's request to the end of the response, within the concurrency limits. */
export function invoke(
  context: InvocationContext,
  authenticated: Authenticated,
  downstream: Downstream,
): MaybePromise<ExchangeEnd> {
  const { resolution } = authenticated;
  if (resolution.isUnusable === true) return denied({ reason: "target_outdated" });
  if (resolution.upstream === undefined) throw new TypeError("an exported capability has a target");
  return forward(context, authenticated, resolution.upstream, downstream);
}

/** authorize → shape → narrow → prepare the payload → sign and stream. */
function forward(
  context: InvocationContext,
  authenticated: Authenticated,
  upstream: Upstream,
  downstream: Downstream,
): MaybePromise<ExchangeEnd> {
  const { target } = upstream;
  const { head } = downstream;
  const hopHeaders = addHop(head, context.hopId);
  if (hopHeaders === undefined) return denied({ reason: "loop_detected" });
  const uri = authorize(target, head);
  if (!uri.ok) return denied(uri.error);
  const plan = planPayload(target, head);
  if (plan.kind === "refused") return denied({ reason: "invalid_field", problem: plan.problem });
  const { compiledLimits } = authenticated.resolution;
  const shaped = shapeRequest(context, compiledLimits, target, head, uri.value, plan, hopHeaders);
  if (!shaped.ok) return denied(shaped.error);
  // The target's own method may be another one, with which no handshake is possible.
  if (downstream.handshake !== undefined && shaped.value.method !== "GET")
    return denied({ reason: "upgrade_not_supported" });
  const length = compiledLimits === undefined ? PASSED : checkDeclaredLength(compiledLimits, plan, head);
  if (!length.ok) return denied(length.error);
  if (downstream.useDenial !== undefined) return denied(downstream.useDenial);
  const denial = occupy(context, authenticated);
  if (denial !== undefined) return denied(denial);
  return thenMaybe(preparePayload(context, authenticated, plan, downstream), (payload) => {
    if (payload === undefined) return { kind: "client_disconnected" };
    if (!payload.ok) return denied(payload.error);
    const { trailers } = payload.value;
    const complete =
      trailers === undefined ? shaped : addTrailers(context, target, shaped.value, hopHeaders, trailers);
    if (!complete.ok) return denied(complete.error);
    const counting = countingOf(context, authenticated.resolution);
    const request = upstreamRequest(
      context,
      target,
      complete.value,
      hopHeaders,
      payload.value,
      head,
      counting,
    );
    const { handshake, response } = downstream;
    if (handshake === undefined) return startExchange(context, authenticated, upstream, downstream, request);
    const asking = askForWebSocket(context, request, { ...authenticated, target, response, handshake });
    return startExchange(context, authenticated, upstream, downstream, asking);
  });
}

/** Takes a place among the invocations in flight until the request is finished. */
function occupy(
  { accountRegistry, concurrencyLimiter }: InvocationContext,
  { inFlight, resolution: { accounts } }: Authenticated,
): Denial | undefined {
  accountRegistry.refresh(accounts);
  const denial = concurrencyLimiter.acquire(accounts);
  if (denial === undefined) inFlight.onFinish(() => concurrencyLimiter.release(accounts));
  return denial;
}

/**
 * Puts the target over what the client sent, applies the limits, and refuses a head with a copy of the token, or one that is longer
 * than a target's may be: before it is signed, since the headers of both sides together may be twice as long as either may send.
 */
function shapeRequest(
  context: InvocationContext,
  limits: CompiledLimits | undefined,
  target: PreparedTarget,
  head: RequestHead,
  uri: AuthorizedUri,
  plan: PayloadPlan,
  hopHeaders: readonly string[],
): Outcome<ShapedRequest> {
  const open = shape(target, head, uri, plan);
  const shaped = limits === undefined || !open.ok ? open : narrow(limits, target, uri, open.value);
  if (!shaped.ok) return shaped;
  if (isHeadTooLarge(context, target, shaped.value, hopHeaders)) return HEAD_TOO_LARGE;
  const copy = head.token === undefined ? undefined : findTokenCopy(head.token, shaped.value);
  return copy === undefined ? shaped : invalid(copy, "no capability token, since the target would get it");
}

const HEAD_TOO_LARGE: Outcome<never> = err({ reason: "headers_too_large" });

function isHeadTooLarge(
  context: InvocationContext,
  target: PreparedTarget,
  shaped: ShapedRequest,
  hopHeaders: readonly string[],
): boolean {
  const bytes = headSize(shaped, shaped.targetHeaders) + headerLinesSize(shaped.clientHeaders);
  return bytes + headerLinesSize(hopHeaders) + target.maxAddedBytes > context.headerBytes;
}

/** The trailers of a body that is held are checksums: the target gets them before the body. */
function addTrailers(
  context: InvocationContext,
  target: PreparedTarget,
  shaped: ShapedRequest,
  hopHeaders: readonly string[],
  trailers: readonly string[],
): Outcome<ShapedRequest> {
  const complete = { ...shaped, clientHeaders: [...shaped.clientHeaders, ...trailers] };
  return isHeadTooLarge(context, target, complete, hopHeaders) ? HEAD_TOO_LARGE : ok(complete);
}

/** Sends the request through the pool of its tenant and destination. */
function startExchange(
  context: InvocationContext,
  { inFlight, resolution: { accounts } }: Authenticated,
  { target, poolKey, owner }: Upstream,
  { response }: Downstream,
  request: UpstreamRequest,
): MaybePromise<ExchangeEnd> {
  const pool = context.pools.get(poolKey, target, owner);
  if (!pool.ok) {
    if (request.body instanceof Readable) request.body.destroy();
    return denied({ reason: "tenant_concurrency_exceeded" });
  }
  const exchange = new Exchange(response, { inFlight, accounts }, context);
  exchange.start(pool.value, request);
  return exchange.ended;
}

function upstreamRequest(
  context: InvocationContext,
  target: PreparedTarget,
  shaped: ShapedRequest,
  hopHeaders: readonly string[],
  payload: Payload,
  head: RequestHead,
  counting: UpstreamRequest["countUse"],
): UpstreamRequest {
  const { method, path, query } = shaped;
  const { hash, body } = payload;
  const unsigned = withLength(hopHeaders, payload);
  const pathAndQuery = query === "" ? path : `${path}?${query}`;
  return {
    method,
    path: pathAndQuery,
    sign: () => sign(target, shaped, hash, unsigned, context.now),
    countUse: counting,
    body,
    sentRequest: {
      target,
      path: pathAndQuery,
      clientHeaders: head.rawHeaders,
      carrier: head.carrier,
      ownOrigin: context.ownOrigin,
    },
    responseTimeoutMs: shorterTimeout(
      target.timeoutMs,
      Math.min(context.responseTimeoutMs, context.idleTimeoutMs),
    ),
    idleTimeoutMs: shorterTimeout(target.timeoutMs, context.idleTimeoutMs),
  };
}

/** Counts the use in the turn of the capability's tenant. */
function countingOf(
  context: UseContext,
  { useCounters, capability, cacheOwner }: Resolution,
): UpstreamRequest["countUse"] {
  if (useCounters === undefined) return undefined;
  return () => countUse(context, useCounters, { tenant: cacheOwner, capability: capability.uid });
}

/** A target can shorten what the service allows, never lengthen it. */
function shorterTimeout(own: number | undefined, limit: number): number {
  return own === undefined ? limit : Math.min(own, limit);
}

function denied(denial: Denial): ExchangeEnd {
  return { kind: "denied", denial };
}
