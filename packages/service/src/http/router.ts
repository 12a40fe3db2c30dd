import type { Authority } from "capability-protocol";
import type { AuditLog } from "../audit/log.ts";
import { fingerprint } from "../audit/fingerprint.ts";
import type { Awaitable } from "../domain/awaitable.ts";
import type { Capability, ServiceKind } from "../domain/capability.ts";
import type { Denial } from "../domain/denial.ts";
import { isGatewayDenial } from "../domain/denial.ts";
import type { Cidr } from "../egress/address.ts";
import type { InvocationContext } from "../invocation/invoke.ts";
import { invoke } from "../invocation/invoke.ts";
import { refuseOperation } from "../invocation/intended-operation.ts";
import type { BodyFraming, RequestHead } from "../invocation/request-head.ts";
import type { Admitted, Resolved, ResolveContext } from "../invocation/resolve.ts";
import { resolve } from "../invocation/resolve.ts";
import type { ExchangeEnd } from "../invocation/stream.ts";
import { watchEnded } from "../invocation/waiting-responses.ts";
import { StoreBusyError, StoreFailedError, StoreFullError } from "../store/store.ts";
import type { Exchanged } from "./answer.ts";
import { answer, answerError, answerJson, closeUnread } from "./answer.ts";
import { bearerToken } from "./bearer.ts";
import { addressKey, clientAddress } from "./client-address.ts";
import { PREFLIGHT_HEADERS } from "./cors.ts";
import type { FailedAuthorizations } from "./failed-authorizations.ts";
import type { JsonEndpointContext } from "./json-endpoint.ts";
import { manage } from "./json-endpoint.ts";
import type { ReadHead } from "./read-head.ts";
import { readHead } from "./read-head.ts";
import type { WireError } from "./wire-error.ts";
import { internalError, wireError } from "./wire-error.ts";

export interface RouterContext {
  readonly resolving: ResolveContext;
  readonly invoking: InvocationContext;
  readonly managing: JsonEndpointContext;
  readonly failures: FailedAuthorizations;
  /** Proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly Cidr[];
  readonly isOwn: (authority: Authority) => boolean;
  readonly log: AuditLog;
}

/** One request, from its head to the end of its answer. The token says what it does. */
export async function route(context: RouterContext, exchanged: Exchanged): Promise<void> {
  const read = readHead(exchanged.request, context.isOwn);
  if (!read.ok) return answerMalformed(context, exchanged, read.message);
  const { head } = read;
  let admitted: Admitted | undefined;
  try {
    if (read.authorization === undefined && answerAnyone(exchanged, head)) return;
    const isOver = hasFailedTooOften(context, exchanged);
    const found = admit(context, read.authorization, isOver);
    // What is known at once is not waited for.
    admitted = found instanceof Promise ? await found : found;
    if (admitted === undefined) return answerStranger(context, exchanged, head, isOver);
    const refused = refuseFields(read, admitted.resolved);
    if (refused !== undefined) return answerDenial(context, exchanged, head, refused);
    if (read.expect !== undefined) continueWhenRead(exchanged);
    const { resolved } = admitted;
    if (resolved.capability.kind !== "invoke") {
      return await serveManagement(context, exchanged, head, resolved, resolved.capability.kind);
    }
    const { request, response } = exchanged;
    const ended = invoke(context.invoking, admitted, { head, request, response });
    finish(context, exchanged, head, resolved.capability, ended instanceof Promise ? await ended : ended);
  } catch (error) {
    answerFault(context, exchanged, head, error);
  } finally {
    admitted?.admission.leave();
  }
}

function admit(
  context: RouterContext,
  authorization: string | undefined,
  isOver: boolean,
): Awaitable<Admitted | undefined> {
  const token = bearerToken(authorization);
  return token === undefined ? undefined : resolve(context.resolving, token, isOver ? "known" : "any");
}

/** Whose token does not work. */
function answerStranger(
  context: RouterContext,
  exchanged: Exchanged,
  head: RequestHead,
  isOver: boolean,
): void {
  context.failures.count(addressOf(context, exchanged));
  answerDenial(context, exchanged, head, { reason: isOver ? "too_many_failures" : "unauthorized" });
}

/** What only a holder is told of. */
function refuseFields(
  { upgrade, expect, operation }: Extract<ReadHead, { ok: true }>,
  resolved: Resolved,
): Denial | undefined {
  if (operation !== undefined) {
    const refused = refuseOperation(operation, resolved);
    if (refused !== undefined) return refused;
  }
  if (upgrade) return { reason: "upgrade_not_supported" };
  if (expect !== undefined && expect.toLowerCase() !== "100-continue")
    return { reason: "expectation_failed" };
  return undefined;
}

async function serveManagement(
  context: RouterContext,
  exchanged: Exchanged,
  head: RequestHead,
  caller: Resolved,
  kind: ServiceKind,
): Promise<void> {
  context.invoking.ledger.refresh(caller.accounts);
  const outcome = await manage(context.managing, caller, kind, head, exchanged);
  if (outcome === undefined) return;
  if (!outcome.ok) return answerDenial(context, exchanged, head, outcome.denial, caller.capability);
  const { status, body } = outcome.value;
  context.log.managed({ capability: fingerprint(caller.capability), kind, status });
  answerJson(exchanged, head.body, status, body);
  watchEnded(context.invoking.waiting, exchanged.response, caller.accounts);
}

function hasFailedTooOften(context: RouterContext, exchanged: Exchanged): boolean {
  return !context.failures.isQuiet && context.failures.isOver(addressOf(context, exchanged));
}

function addressOf({ trustedProxies }: RouterContext, { request }: Exchanged): string {
  const forwardedFor = trustedProxies.length === 0 ? undefined : request.headers["x-forwarded-for"];
  const joined = Array.isArray(forwardedFor) ? forwardedFor.join(",") : forwardedFor;
  const address = clientAddress(request.socket.remoteAddress ?? "", joined, trustedProxies);
  return address === undefined ? "" : addressKey(address);
}

/** Requests without a token that are answered all the same. */
function answerAnyone(exchanged: Exchanged, head: RequestHead): boolean {
  if (head.method === "OPTIONS") {
    answer(exchanged, head.body, 204, PREFLIGHT_HEADERS, "");
    return true;
  }
  if (head.path === "/healthz" && (head.method === "GET" || head.method === "HEAD")) {
    answerJson(exchanged, head.body, 200, { status: "ok" });
    return true;
  }
  return false;
}

/** "100 Continue" goes out when somebody starts to read the body: after the capability and all limits were checked. */
function continueWhenRead({ request, response }: Exchanged): void {
  const resume = request.resume.bind(request);
  request.resume = () => {
    request.resume = resume;
    if (!response.headersSent) response.writeContinue();
    return resume();
  };
}

function finish(
  context: RouterContext,
  exchanged: Exchanged,
  head: RequestHead,
  invoked: Capability,
  end: ExchangeEnd,
): void {
  const capability = fingerprint(invoked);
  switch (end.kind) {
    case "answered":
      if (!exchanged.request.complete) closeUnread(exchanged);
      return context.log.invoked({ capability, status: end.status });
    case "denied":
      if (!isGatewayDenial(end.denial)) return answerDenial(context, exchanged, head, end.denial, invoked);
      context.log.failed({ capability, reason: end.denial.reason, ...causeOf(end.cause) });
      return endWith(exchanged, head.body, wireError(end.denial));
    case "broken":
      return context.log.broken({ capability, status: end.status, ...causeOf(end.cause) });
    case "requester_left":
      return context.log.left({ capability });
  }
}

function causeOf(cause: Error | undefined): { readonly cause?: string } {
  if (cause === undefined) return {};
  return { cause: "code" in cause && typeof cause.code === "string" ? cause.code : cause.name };
}

function answerDenial(
  context: RouterContext,
  exchanged: Exchanged,
  head: RequestHead,
  denial: Denial,
  of?: Capability,
): void {
  const capability = of === undefined ? {} : { capability: fingerprint(of) };
  context.log.refused({ reason: denial.reason, ...capability });
  endWith(exchanged, head.body, wireError(denial));
}

function answerFault(context: RouterContext, exchanged: Exchanged, head: RequestHead, error: unknown): void {
  const denial = storeDenial(error);
  if (denial !== undefined) return answerDenial(context, exchanged, head, denial);
  context.log.fault(error);
  endWith(exchanged, head.body, internalError());
}

/** A refusal by the store, which has reported it. */
function storeDenial(error: unknown): Denial | undefined {
  if (error instanceof StoreBusyError) return { reason: "store_busy" };
  if (error instanceof StoreFullError) return { reason: "store_full" };
  return error instanceof StoreFailedError ? { reason: "store_failed" } : undefined;
}

/** An answer that has begun cannot become another one. */
function endWith(exchanged: Exchanged, framing: BodyFraming, error: WireError): void {
  if (exchanged.response.headersSent) exchanged.response.destroy();
  else answerError(exchanged, framing, error);
}

function answerMalformed(context: RouterContext, exchanged: Exchanged, message: string): void {
  context.log.refused({ reason: "malformed_request" });
  exchanged.response.shouldKeepAlive = false;
  answerError(exchanged, { kind: "chunked" }, wireError({ reason: "malformed_request", message }));
}
