import type { CapabilityToken } from "capability-protocol";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import type { ServiceKind } from "../domain/capability.ts";
import type { Denial } from "../domain/denial.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import type { InvocationContext } from "../invocation/invoke.ts";
import { invoke } from "../invocation/invoke.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import type { Authenticated, Resolution, ResolveContext } from "../invocation/resolve.ts";
import { resolve } from "../invocation/resolve.ts";
import { watchEnded } from "../invocation/waiting-responses.ts";
import { addressKey } from "../net/peer-address.ts";
import type { AuthFailureLimiter } from "./auth-failure-limiter.ts";
import type { CheckContext } from "./check-request.ts";
import { checkFields, checkUsable } from "./check-request.ts";
import { addressOf } from "./client-address.ts";
import type { ManagementEndpointContext } from "./management-endpoint.ts";
import { handleManagement } from "./management-endpoint.ts";
import { isPresignedQuery } from "./presigned-url.ts";
import type { ReadHead, ReadHeadContext } from "./read-head.ts";
import { readHead } from "./read-head.ts";
import type { ResponderContext } from "./respond-and-log.ts";
import {
  ensureRequestId,
  fingerprintsOfCaller,
  finish,
  respondDenial,
  respondFault,
  respondMalformed,
} from "./respond-and-log.ts";
import { respondJson } from "./respond.ts";
import { findPublicRoute } from "./routes.ts";

export interface RouterContext extends ReadHeadContext, CheckContext, ResponderContext {
  readonly resolveContext: ResolveContext;
  readonly invocationContext: InvocationContext;
  readonly managementContext: ManagementEndpointContext;
  readonly authFailures: AuthFailureLimiter;
}

/**
 * Carries out one request, from its head to the end of its response: reads the head, finds the capability of its token, checks
 * whether it may be used, and carries out its operation or invokes its target.
 */
export async function route(context: RouterContext, exchange: HttpExchange): Promise<void> {
  const read = readHead(exchange.request, context);
  if (!read.ok) return respondMalformed(context, exchange, read.error);
  const head = read.value;
  let authenticated: Authenticated | undefined;
  try {
    if (head.isAnonymous && respondToAnonymous(context, exchange, head)) return;
    const isBlocked = isAddressBlocked(context, exchange);
    const found = authenticate(context, head.token, isBlocked);
    // Awaiting a value that is known already would cost a turn of the event loop.
    const resolved = found instanceof Promise ? await found : found;
    if (resolved === undefined) recordFailure(context, exchange);
    if (resolved === undefined || resolved === "expired")
      return respondDenial(context, exchange, head, unauthorized(isBlocked));
    authenticated = resolved;
    const { resolution } = authenticated;
    const checking = checkUsable(context, exchange, resolution);
    const useDenial = checking instanceof Promise ? await checking : checking;
    if (useDenial?.reason === "unauthorized")
      return respondDenial(context, exchange, head, unauthorized(isBlocked), resolution);
    const fields = checkFields(context, head, resolution, exchange);
    if (!fields.ok) return respondDenial(context, exchange, head, fields.error, resolution);
    // The client sends its body only after the capability and all limits have been checked.
    if (head.expect !== undefined) exchange.response.continueOnRead();
    const { kind } = resolution.capability;
    if (kind !== "invoke") return await runManagement(context, exchange, head, resolution, kind);
    const { request, response } = exchange;
    const downstream = { head, request, response, useDenial, handshake: fields.value };
    const end = invoke(context.invocationContext, authenticated, downstream);
    finish(context, exchange, head, resolution, end instanceof Promise ? await end : end);
  } catch (error) {
    respondFault(context, exchange, head, error, authenticated?.resolution);
  } finally {
    authenticated?.inFlight.finishInvocation();
  }
}

/** @returns whether the request needs no token, or could have one only in its URL; it has its response then. */
function respondToAnonymous(context: RouterContext, exchange: HttpExchange, head: ReadHead): boolean {
  const publicRoute = findPublicRoute(head);
  if (publicRoute !== undefined) {
    ensureRequestId(context, exchange);
    publicRoute.respond(exchange, head);
    return true;
  }
  if (!isPresignedQuery(head.query)) return false;
  respondDenial(context, exchange, head, PRESIGNED_URL);
  return true;
}

const PRESIGNED_URL: Denial = {
  reason: "invalid_field",
  problem: {
    field: "query",
    expected: "no presigned URL, which would hold a capability token: send the token in a header",
  },
};

function authenticate(
  context: RouterContext,
  token: CapabilityToken | undefined,
  isBlocked: boolean,
): MaybePromise<Authenticated | "expired" | undefined> {
  return token === undefined
    ? undefined
    : resolve(context.resolveContext, token, isBlocked ? "cached" : "any");
}

function isAddressBlocked(context: RouterContext, exchange: HttpExchange): boolean {
  return !context.authFailures.isEmpty && context.authFailures.isBlocked(clientKey(context, exchange));
}

/** Counts a token that does not work against the address. One that is not valid now is no guess, and is not counted. */
function recordFailure(context: RouterContext, exchange: HttpExchange): void {
  context.authFailures.record(clientKey(context, exchange));
}

function clientKey({ trustedProxies }: RouterContext, { request }: HttpExchange): string {
  const address = addressOf(request, trustedProxies);
  return address === undefined ? "" : addressKey(address);
}

/** What does not exist, what is not valid now, and what is used up for ever have the same response. */
function unauthorized(isBlocked: boolean): Denial {
  return { reason: isBlocked ? "too_many_auth_failures" : "unauthorized" };
}

async function runManagement(
  context: RouterContext,
  exchange: HttpExchange,
  head: RequestHead,
  caller: Resolution,
  kind: ServiceKind,
): Promise<void> {
  context.invocationContext.accountRegistry.refresh(caller.accounts);
  const requestId = ensureRequestId(context, exchange);
  const { capability, payload, accounts, useCounters } = caller;
  const request = { capability, payload, accounts, useCounters, requestId };
  const outcome = await handleManagement(context.managementContext, request, kind, head, exchange);
  if (outcome === undefined) return;
  if (!outcome.ok) return respondDenial(context, exchange, head, outcome.error, caller);
  const { status, body } = outcome.value;
  context.log.managed({ requestId, status, of: fingerprintsOfCaller(caller), kind });
  respondJson(exchange, head.body, status, body);
  watchEnded(context.invocationContext.waitingResponses, exchange.response, caller.accounts);
}
