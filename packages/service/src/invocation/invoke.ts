import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Digest, PayloadPlan } from "capability-protocol/signers";
import type { Awaitable } from "../domain/awaitable.ts";
import { when } from "../domain/awaitable.ts";
import type { Denial, Outcome } from "../domain/denial.ts";
import { accept, deny } from "../domain/denial.ts";
import { headBytes, linesBytes } from "../domain/head-bytes.ts";
import type { Pools } from "../egress/pools.ts";
import type { Accounts, Ledger } from "./accounts.ts";
import { authorize } from "./authorize.ts";
import type { BudgetOfBytes } from "./byte-budget.ts";
import { holdBody } from "./held-body.ts";
import { markHop } from "./loop.ts";
import type { Occupancy } from "./occupancy.ts";
import type { BodyOptions } from "./request-body.ts";
import { RequestBody } from "./request-body.ts";
import type { BodyFraming, RequestHead } from "./request-head.ts";
import type { Admitted, Resolved } from "./resolve.ts";
import type { ShapedRequest } from "./shape.ts";
import { shape } from "./shape.ts";
import { hashPayload, planPayload, sign } from "./sign.ts";
import type { ExchangeContext, ExchangeEnd, UpstreamRequest } from "./stream.ts";
import { Exchange } from "./stream.ts";
import type { PreparedTarget } from "./target.ts";

/** All that invocations are handed. */
export interface InvocationContext extends ExchangeContext {
  readonly pools: Pools;
  readonly ledger: Ledger;
  readonly occupancy: Occupancy;
  /** For the bodies that are held for a signature. */
  readonly held: BudgetOfBytes;
  readonly digest: Digest;
  readonly now: () => Date;
  /** Names this service in `Via` and `CDN-Loop`. */
  readonly hopId: string;
  /** How the requesters' bodies are read. */
  readonly bodies: BodyOptions;
  /** How many bytes the head of a request to a target may have. */
  readonly headerBytes: number;
  /** How many bytes of a body are held in memory for a signature. */
  readonly holdLimit: number;
  /** How long a target may take to begin its answer, in milliseconds. */
  readonly answerTimeoutMs: number;
  /** The longest a target may stay silent, before its answer and within it, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/** The requester's side. */
export interface Requester {
  readonly head: RequestHead;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** A resolved capability, from the requester's request to the end of the answer, if there is a place for it. */
export function invoke(
  context: InvocationContext,
  admitted: Admitted,
  requester: Requester,
): Awaitable<ExchangeEnd> {
  const { resolved, admission } = admitted;
  if (resolved.isUnusable === true) return denied({ reason: "target_unusable" });
  if (resolved.upstream === undefined) throw new TypeError("an exported capability stands for nothing");
  const { accounts } = resolved;
  context.ledger.refresh(accounts);
  const full = context.occupancy.enter(accounts);
  if (full !== undefined) return denied(full);
  admission.onLeave(() => context.occupancy.leave(accounts));
  return carryOut(context, admitted, resolved.upstream, requester);
}

/** resolve → authorize → shape → sign → stream. */
function carryOut(
  context: InvocationContext,
  { admission, resolved: { accounts } }: Admitted,
  { target, poolKey, owner }: NonNullable<Resolved["upstream"]>,
  requester: Requester,
): Awaitable<ExchangeEnd> {
  const marks = markHop(requester.head, context.hopId);
  if (marks === undefined) return denied({ reason: "loop_detected" });
  const refused = authorize(target, requester.head);
  if (refused !== undefined) return denied(refused);

  const plan = planPayload(target, requester.head);
  if (plan.kind === "refused") return denied({ reason: "invalid_field", problem: plan.problem });
  const outcome = shape(target, requester.head, plan);
  if (!outcome.ok) return denied(outcome.denial);
  const shaped = withFraming(outcome.value, requester.head.body);
  // Before it is signed: the headers of both sides together may be twice as long as either may send.
  if (headBytes(shaped) + linesBytes(marks) + target.addedBytes > context.headerBytes) {
    return denied({ reason: "header_too_large" });
  }
  return when(preparePayload(context, accounts, plan, requester), (payload) => {
    if (payload === undefined) return { kind: "requester_left" };
    if (!payload.ok) return denied(payload.denial);
    const { hash, body, release } = payload.value;
    if (release !== undefined) admission.onLeave(release);
    const pool = context.pools.get(poolKey, target, owner);
    if (pool === undefined) {
      if (body instanceof Readable) body.destroy();
      return denied({ reason: "tenant_busy" });
    }
    const unsigned = withLength(marks, payload.value, requester.head);
    const signNow = (): string[] => sign(target, shaped, hash, unsigned, context.now);

    const exchange = new Exchange(requester.response, { admission, accounts }, context);
    const request = upstreamRequest(context, target, shaped, signNow, body, requester.head);
    exchange.start(pool, request);
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
 * @returns nothing if the requester left meanwhile.
 */
function preparePayload(
  context: InvocationContext,
  accounts: Accounts,
  plan: Exclude<PayloadPlan, { kind: "refused" }>,
  { head, request }: Requester,
): Awaitable<Outcome<Payload> | undefined> {
  switch (plan.kind) {
    case "declared":
      return accept({
        hash: plan.value,
        body: head.body.kind === "none" ? null : new RequestBody(request, context.bodies),
      });
    case "hold":
      return holdPayload(context, accounts, head, request);
  }
}

async function holdPayload(
  context: InvocationContext,
  accounts: Accounts,
  head: RequestHead,
  request: IncomingMessage,
): Promise<Outcome<Payload> | undefined> {
  const limit = context.holdLimit;
  const tooLarge = deny({ reason: "payload_too_large", limit });
  const expected = head.body.kind === "length" ? head.body.length : undefined;
  if (expected !== undefined && expected > limit) return tooLarge;
  const share = context.held.shareOf(accounts);
  const body = await holdBody(request, context.bodies, { expected, limit, share });
  if (body === "too_long") return tooLarge;
  if (body === "requester_left") return undefined;
  if (body === "requester_silent") return deny({ reason: "request_timeout" });
  if ("refused" in body) return deny(body.refused);
  const { pieces, length, release } = body;
  return accept({ hash: hashPayload(pieces, context.digest), body: bodyOf(pieces), length, release });
}

/** A body in several pieces is sent piece by piece: joined, it would be in memory twice. */
function bodyOf(pieces: readonly Buffer[]): Readable | Buffer {
  const [first = EMPTY] = pieces;
  return pieces.length <= 1 ? first : Readable.from(pieces, { objectMode: false });
}

const EMPTY = Buffer.alloc(0);

/** Declares the length of a chunked body that is held, since a target may accept no chunked body. */
function withLength(
  lines: readonly string[],
  { length, body }: Payload,
  head: RequestHead,
): readonly string[] {
  if (length === undefined || head.body.kind === "length" || Buffer.isBuffer(body)) return lines;
  return [...lines, "Content-Length", String(length)];
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
  signNow: () => string[],
  body: Readable | Buffer | null,
  head: RequestHead,
): UpstreamRequest {
  const sent = query === "" ? path : `${path}?${query}`;
  return {
    method,
    path: sent,
    sign: signNow,
    body,
    asked: { target, path: sent, clientHeaders: head.rawHeaders },
    answerTimeoutMs: shorter(target.timeoutMs, Math.min(context.answerTimeoutMs, context.idleTimeoutMs)),
    idleTimeoutMs: shorter(target.timeoutMs, context.idleTimeoutMs),
  };
}

/** A target can shorten what the service allows, never lengthen it. */
function shorter(own: number | undefined, limit: number): number {
  return own === undefined ? limit : Math.min(own, limit);
}

function denied(denial: Denial): ExchangeEnd {
  return { kind: "denied", denial };
}
