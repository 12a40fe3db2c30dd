import type { MaybePromise } from "../collections/maybe-promise.ts";
import { thenMaybe } from "../collections/maybe-promise.ts";
import type { Denial } from "../domain/denial.ts";
import type { Pools } from "../egress/pools.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import type { ConcurrencyLimiter } from "./concurrency-limiter.ts";
import type { ExchangeContext, ExchangeEnd, UpstreamRequest } from "./exchange-context.ts";
import { Exchange } from "./exchange.ts";
import type { BodyContext } from "./payload.ts";
import { destroyBody, preparePayload } from "./payload.ts";
import type { PrepareContext } from "./prepare-request.ts";
import { addTrailers, prepareRequest } from "./prepare-request.ts";
import type { RequestHead } from "./request-head.ts";
import { withBoundedMemo } from "./request-memo.ts";
import type { Authenticated, Resolution } from "./resolve.ts";
import { withTraceparent } from "./trace-headers.ts";
import type { RequestTrace } from "../tracing/request-trace.ts";
import type { SendContext } from "./upstream-request.ts";
import { upstreamRequest } from "./upstream-request.ts";
import type { AccountRegistry } from "./usage-accounts.ts";
import type { UsedResolutions } from "./used-resolutions.ts";
import type { WebSocketHandshake } from "./websocket/handshake.ts";
import type { WebSocketContext } from "./websocket/switch-protocols.ts";
import { askForWebSocket } from "./websocket/switch-protocols.ts";

/** All that invocations are handed. */
export interface InvocationContext
  extends PrepareContext, BodyContext, SendContext, ExchangeContext, WebSocketContext {
  readonly pools: Pools;
  readonly accountRegistry: AccountRegistry;
  readonly concurrencyLimiter: ConcurrencyLimiter;
  readonly usedResolutions: UsedResolutions;
}

/** The client's side. */
export interface Downstream extends Pick<HttpExchange, "request" | "response"> {
  readonly head: RequestHead;
  /** Set if the use would be refused; applied after all checks of the request itself. */
  readonly useDenial: Denial | undefined;
  /** The client asks for a WebSocket. */
  readonly handshake: WebSocketHandshake | undefined;
  /** Present if the request is recorded. */
  readonly trace: RequestTrace | undefined;
  /** When the service got the request, in milliseconds of the ticker. */
  readonly arrivedAt: number;
}

type Upstream = NonNullable<Resolution["upstream"]>;

/** Invokes a resolved capability, from the client's request to the end of the response, within the concurrency limits. */
export function invoke(
  context: InvocationContext,
  authenticated: Authenticated,
  downstream: Downstream,
): MaybePromise<ExchangeEnd> {
  const { resolution } = authenticated;
  if (resolution.isOutdated === true) return denied({ reason: "target_outdated" });
  if (resolution.upstream === undefined) throw new TypeError("an exported capability has a target");
  return forward(context, authenticated, resolution.upstream, downstream);
}

/** Prepares the request, takes a place among those in flight, prepares the body, then sends both. */
function forward(
  context: InvocationContext,
  authenticated: Authenticated,
  upstream: Upstream,
  downstream: Downstream,
): MaybePromise<ExchangeEnd> {
  const { resolution } = authenticated;
  const { target } = upstream;
  const { handshake } = downstream;
  const head = withBoundedMemo(downstream.head, resolution);
  const prepared = prepareRequest(context, resolution.compiledLimits, target, { head, handshake });
  if (!prepared.ok) return denied(prepared.error);
  const denial = downstream.useDenial ?? occupy(context, authenticated);
  if (denial !== undefined) return denied(denial);
  const { plan } = prepared.value;
  const preparing = preparePayload(context, authenticated, plan, downstream);
  const waitsFrom = preparing instanceof Promise ? context.ticker.now() : undefined;
  return thenMaybe(preparing, (payload) => {
    if (payload === undefined) return { kind: "client_disconnected" };
    if (!payload.ok) return denied(payload.error);
    const { trailers } = payload.value;
    const complete =
      trailers === undefined ? prepared : addTrailers(context, target, prepared.value, trailers);
    if (!complete.ok) return denied(complete.error);
    const { trace } = downstream;
    const shaped =
      trace === undefined ? complete.value : withTraceparent(context, target, complete.value, trace);
    const request = upstreamRequest(context, resolution, target, shaped, payload.value, head);
    // A body that is held arrives as fast as its client sends it.
    const waitedMs = waitsFrom === undefined ? 0 : context.ticker.now() - waitsFrom;
    const arrivedAt = downstream.arrivedAt + waitedMs;
    return send(context, authenticated, upstream, downstream, { request, arrivedAt });
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

/** Sends the request through the pool of its tenant and destination. */
function send(
  context: InvocationContext,
  authenticated: Authenticated,
  { target, poolKey, owner }: Upstream,
  { response, handshake }: Downstream,
  { request, arrivedAt }: { readonly request: UpstreamRequest; readonly arrivedAt: number },
): MaybePromise<ExchangeEnd> {
  const pool = context.pools.get(poolKey, target, owner);
  if (!pool.ok) {
    destroyBody(request);
    return denied({ reason: "tenant_concurrency_exceeded", limitName: "maxUpstreamPools" });
  }
  const { inFlight, resolution } = authenticated;
  const exchange = new Exchange(response, { inFlight, accounts: resolution.accounts, arrivedAt }, context);
  const asking =
    handshake === undefined
      ? request
      : askForWebSocket(context, request, { ...authenticated, target, response, handshake });
  exchange.start(pool.value, asking);
  return exchange.ended;
}

function denied(denial: Denial): ExchangeEnd {
  return { kind: "denied", denial };
}
