import { Readable } from "node:stream";
import { err, ok } from "capability-protocol";
import type { HashFunction, PayloadPlan } from "capability-protocol/signers";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import { thenMaybe } from "../collections/maybe-promise.ts";
import type { Denial, Outcome } from "../domain/denial.ts";
import { headSize, headerLinesSize } from "../domain/head-size.ts";
import type { Pools } from "../egress/pools.ts";
import type { UsageAccounts, AccountRegistry } from "./usage-accounts.ts";
import { authorize } from "./authorize.ts";
import type { BufferBudget } from "./buffer-budget.ts";
import { bufferBody } from "./buffered-body.ts";
import { addHop } from "./loop-detection.ts";
import type { ConcurrencyLimiter } from "./concurrency-limiter.ts";
import type { BodyOptions } from "./request-body.ts";
import { RequestBody } from "./request-body.ts";
import type { BodyFraming, DownstreamRequest, HttpExchange } from "../http1/downstream.ts";
import type { RequestHead } from "./request-head.ts";
import type { Authenticated, Resolution } from "./resolve.ts";
import type { ShapedRequest } from "./shape.ts";
import { shape } from "./shape.ts";
import { hashPayload, planPayload, sign } from "./sign.ts";
import type { ExchangeContext, ExchangeEnd, UpstreamRequest } from "./exchange-context.ts";
import { Exchange } from "./exchange.ts";
import type { PreparedTarget } from "./prepared-target.ts";

/** All that invocations are handed. */
export interface InvocationContext extends ExchangeContext {
  readonly pools: Pools;
  readonly accountRegistry: AccountRegistry;
  readonly concurrencyLimiter: ConcurrencyLimiter;
  /** For the bodies that are held for a signature. */
  readonly bufferBudget: BufferBudget;
  readonly digest: HashFunction;
  readonly now: () => Date;
  /** Names this service in `Via` and `CDN-Loop`. */
  readonly hopId: string;
  /** How the clients' bodies are read. */
  readonly bodies: BodyOptions;
  /** How many bytes the head of a request to a target may have. */
  readonly headerBytes: number;
  /** How many bytes of a body are held in memory for a signature. */
  readonly maxBufferedBodyBytes: number;
  /** How long a target may take to begin its response, in milliseconds. */
  readonly responseTimeoutMs: number;
  /** How long a target may send nothing, before its response and within it, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/** The client's side. */
export interface Downstream extends HttpExchange {
  readonly head: RequestHead;
}

/** Invokes a resolved capability, from the client's request to the end of the response, within the concurrency limits. */
export function invoke(
  context: InvocationContext,
  authenticated: Authenticated,
  downstream: Downstream,
): MaybePromise<ExchangeEnd> {
  const { resolution, inFlight } = authenticated;
  if (resolution.isUnusable === true) return denied({ reason: "target_outdated" });
  if (resolution.upstream === undefined) throw new TypeError("an exported capability has a target");
  const { accounts } = resolution;
  context.accountRegistry.refresh(accounts);
  const denial = context.concurrencyLimiter.acquire(accounts);
  if (denial !== undefined) return denied(denial);
  inFlight.onFinish(() => context.concurrencyLimiter.release(accounts));
  return forward(context, authenticated, resolution.upstream, downstream);
}

/** resolve → authorize → shape → sign → stream. */
function forward(
  context: InvocationContext,
  { inFlight, resolution }: Authenticated,
  { target, poolKey, owner }: NonNullable<Resolution["upstream"]>,
  downstream: Downstream,
): MaybePromise<ExchangeEnd> {
  const { accounts } = resolution;
  const hopHeaders = addHop(downstream.head, context.hopId);
  if (hopHeaders === undefined) return denied({ reason: "loop_detected" });
  const denial = authorize(resolution, target, downstream.head, context.now);
  if (denial !== undefined) return denied(denial);

  const plan = planPayload(target, downstream.head);
  if (plan.kind === "refused") return denied({ reason: "invalid_field", problem: plan.problem });
  const outcome = shape(target, downstream.head, plan);
  if (!outcome.ok) return denied(outcome.error);
  const shaped = withFraming(outcome.value, downstream.head.body);
  // Before it is signed: the headers of both sides together may be twice as long as either may send.
  if (headSize(shaped) + headerLinesSize(hopHeaders) + target.maxAddedBytes > context.headerBytes) {
    return denied({ reason: "headers_too_large" });
  }
  return thenMaybe(preparePayload(context, accounts, plan, downstream), (payload) => {
    if (payload === undefined) return { kind: "client_disconnected" };
    if (!payload.ok) return denied(payload.error);
    const { hash, body, release } = payload.value;
    if (release !== undefined) inFlight.onFinish(release);
    const pool = context.pools.get(poolKey, target, owner);
    if (!pool.ok) {
      if (body instanceof Readable) body.destroy();
      return denied({ reason: "tenant_concurrency_exceeded" });
    }
    const unsigned = withLength(hopHeaders, payload.value, downstream.head);
    const signHeaders = (): string[] => sign(target, shaped, hash, unsigned, context.now);

    const exchange = new Exchange(downstream.response, { inFlight, accounts }, context);
    const request = upstreamRequest(context, target, shaped, signHeaders, body, downstream.head);
    exchange.start(pool.value, request);
    return exchange.ended;
  });
}

interface Payload {
  readonly hash: string;
  readonly body: Readable | Buffer | null;
  /** Of a body that is held, in bytes. */
  readonly length?: number;
  /** Releases the memory of a held body. */
  readonly release?: () => void;
}

/**
 * The body, streamed, unless the signature needs all of it first.
 *
 * @returns nothing if the client disconnected meanwhile.
 */
function preparePayload(
  context: InvocationContext,
  accounts: UsageAccounts,
  plan: Exclude<PayloadPlan, { kind: "refused" }>,
  { head, request }: Downstream,
): MaybePromise<Outcome<Payload> | undefined> {
  switch (plan.kind) {
    case "precomputed":
      return ok({
        hash: plan.value,
        body: head.body.kind === "none" ? null : new RequestBody(request, context.bodies),
      });
    case "buffer":
      return bufferPayload(context, accounts, head, request);
  }
}

async function bufferPayload(
  context: InvocationContext,
  accounts: UsageAccounts,
  head: RequestHead,
  request: DownstreamRequest,
): Promise<Outcome<Payload> | undefined> {
  const limit = context.maxBufferedBodyBytes;
  const tooLarge: Denial = { reason: "signed_body_too_large", limit };
  const expected = head.body.kind === "length" ? head.body.length : undefined;
  if (expected !== undefined && expected > limit) return err(tooLarge);
  const share = context.bufferBudget.shareFor(accounts);
  const body = await bufferBody(request, context.bodies, { expected, limit, tooLarge, share });
  if (!body.ok) return body.error.kind === "refused" ? err(body.error.denial) : undefined;
  const { chunks, length, release } = body.value;
  return ok({ hash: hashPayload(chunks, context.digest), body: bodyOf(chunks), length, release });
}

/** A body in several pieces is sent piece by piece: joined, it would be in memory twice. */
function bodyOf(chunks: readonly Buffer[]): Readable | Buffer {
  const [first = EMPTY_BODY] = chunks;
  return chunks.length <= 1 ? first : Readable.from(chunks, { objectMode: false });
}

const EMPTY_BODY = Buffer.alloc(0);

/** Declares the length of a chunked body that is held, since a target may accept no chunked body. */
function withLength(
  headers: readonly string[],
  { length, body }: Payload,
  head: RequestHead,
): readonly string[] {
  if (length === undefined || head.body.kind === "length" || Buffer.isBuffer(body)) return headers;
  return [...headers, "Content-Length", String(length)];
}

/** `Content-Length` is an end-to-end header and may be signed; it is set here and never copied. */
function withFraming(shaped: ShapedRequest, body: BodyFraming): ShapedRequest {
  if (body.kind !== "length") return shaped;
  return { ...shaped, headers: [...shaped.headers, "Content-Length", String(body.length)] };
}

function upstreamRequest(
  context: InvocationContext,
  target: PreparedTarget,
  { method, path, query }: ShapedRequest,
  signHeaders: () => string[],
  body: Readable | Buffer | null,
  head: RequestHead,
): UpstreamRequest {
  const pathAndQuery = query === "" ? path : `${path}?${query}`;
  return {
    method,
    path: pathAndQuery,
    sign: signHeaders,
    body,
    sentRequest: { target, path: pathAndQuery, clientHeaders: head.rawHeaders },
    responseTimeoutMs: shorterTimeout(
      target.timeoutMs,
      Math.min(context.responseTimeoutMs, context.idleTimeoutMs),
    ),
    idleTimeoutMs: shorterTimeout(target.timeoutMs, context.idleTimeoutMs),
  };
}

/** A target can shorten what the service allows, never lengthen it. */
function shorterTimeout(own: number | undefined, limit: number): number {
  return own === undefined ? limit : Math.min(own, limit);
}

function denied(denial: Denial): ExchangeEnd {
  return { kind: "denied", denial };
}
