import { err } from "capability-protocol";
import type { CapabilityToken } from "capability-protocol";
import type { EventLog } from "../telemetry/events.ts";
import type { Fingerprints } from "../telemetry/fingerprint.ts";
import { fingerprintsOf } from "../telemetry/fingerprint.ts";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import type { ExchangeReport } from "../domain/exchange-report.ts";
import type { ServiceKind } from "../domain/capability.ts";
import type { Denial, Outcome } from "../domain/denial.ts";
import { isGatewayDenial, PASSED } from "../domain/denial.ts";
import type { IpAddress } from "../net/address.ts";
import type { InvocationContext } from "../invocation/invoke.ts";
import { invoke } from "../invocation/invoke.ts";
import { checkOperation } from "../invocation/intended-operation.ts";
import { isValidFor } from "../invocation/limits/apply-limits.ts";
import { valuesOf } from "../invocation/raw-headers.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import type { Authenticated, Resolution, ResolveContext } from "../invocation/resolve.ts";
import { resolve } from "../invocation/resolve.ts";
import type { ExchangeEnd } from "../invocation/exchange-context.ts";
import { findUseDenial } from "../invocation/count-use.ts";
import { denialForStoreError } from "../invocation/store-error.ts";
import { watchEnded } from "../invocation/waiting-responses.ts";
import type { WebSocketHandshake } from "../invocation/websocket/handshake.ts";
import type { DownstreamResponse, HttpExchange } from "../http1/downstream.ts";
import { respondError, respondJson } from "./respond.ts";
import { respondOrAbort } from "./respond-or-abort.ts";
import { addressKey } from "../net/peer-address.ts";
import { clientAddress, isTrustedProxy } from "./client-address.ts";
import type { AuthFailureLimiter } from "./auth-failure-limiter.ts";
import type { ManagementEndpointContext } from "./management-endpoint.ts";
import { handleManagement } from "./management-endpoint.ts";
import { checkUpgrade } from "./check-upgrade.ts";
import { findPublicRoute } from "./routes.ts";
import type { ReadHead, ReadHeadContext } from "./read-head.ts";
import { isPresignedQuery } from "./presigned-url.ts";
import type { VirtualHostContext } from "./virtual-host.ts";
import { checkVirtualHost } from "./virtual-host.ts";
import { readHead } from "./read-head.ts";
import { inPlaceOfTarget } from "./proxy-status.ts";
import { parseRequestId } from "./request-id.ts";
import { internalError, wireError } from "./wire-error.ts";

export interface RouterContext extends ReadHeadContext, VirtualHostContext {
  readonly resolveContext: ResolveContext;
  readonly invocationContext: InvocationContext;
  readonly managementContext: ManagementEndpointContext;
  readonly authFailures: AuthFailureLimiter;
  readonly newRequestId: () => string;
  readonly log: EventLog;
}

const PRESIGNED_URL: Denial = {
  reason: "invalid_field",
  problem: {
    field: "query",
    expected: "no presigned URL, which would hold a capability token: send the token in a header",
  },
};

/** Carries out one request, from its head to the end of its response. The token determines the operation. */
export async function route(context: RouterContext, exchange: HttpExchange): Promise<void> {
  const read = readHead(exchange.request, context);
  if (!read.ok) return respondMalformed(context, exchange, read.error);
  const head = read.value;
  let authenticated: Authenticated | undefined;
  try {
    if (head.isAnonymous) {
      const publicRoute = findPublicRoute(head);
      if (publicRoute !== undefined) {
        ensureRequestId(context, exchange);
        return publicRoute.respond(exchange, head);
      }
      if (isPresignedQuery(head.query)) return respondDenial(context, exchange, head, PRESIGNED_URL);
    }
    const isBlocked = isAddressBlocked(context, exchange);
    const found = authenticate(context, head.token, isBlocked);
    // Awaiting a value that is known already would cost a turn of the event loop.
    const resolved = found instanceof Promise ? await found : found;
    // What is not valid now is not counted against the address, since its token is no guess, and refused like what is unknown.
    if (resolved === "expired") return respondDenial(context, exchange, head, unauthorized(isBlocked));
    authenticated = resolved;
    if (authenticated === undefined) return rejectUnauthorized(context, exchange, head, isBlocked);
    const { resolution } = authenticated;
    if (!isValid(context, exchange, resolution))
      return respondDenial(context, exchange, head, unauthorized(isBlocked), resolution);
    // Only what is used up for ever is refused before all else: a 401 says nothing of the request.
    const { useCounters } = resolution;
    const useDenial = useCounters && (await findUseDenial(context.invocationContext, useCounters));
    if (useDenial?.reason === "unauthorized")
      return respondDenial(context, exchange, head, unauthorized(isBlocked), resolution);
    const checked = checkRequestFields(context, head, resolution, exchange.response);
    if (!checked.ok) return respondDenial(context, exchange, head, checked.error, resolution);
    // The client sends its body only after the capability and all limits have been checked.
    if (head.expect !== undefined) exchange.response.continueOnRead();
    if (resolution.capability.kind !== "invoke") {
      return await runManagement(context, exchange, head, resolution, resolution.capability.kind);
    }
    const { request, response } = exchange;
    const handshake = checked.value;
    const downstream = { head, request, response, useDenial, handshake };
    const end = invoke(context.invocationContext, authenticated, downstream);
    finish(context, exchange, head, resolution, end instanceof Promise ? await end : end);
  } catch (error) {
    respondFault(context, exchange, head, error, authenticated?.resolution);
  } finally {
    authenticated?.inFlight.finishInvocation();
  }
}

function authenticate(
  context: RouterContext,
  token: CapabilityToken | undefined,
  isBlocked: boolean,
): MaybePromise<Authenticated | "expired" | undefined> {
  return token === undefined
    ? undefined
    : resolve(context.resolveContext, token, isBlocked ? "cached" : "any");
}

/** Whether a capability that is alive may be used at this moment, and by this client. Read only for those with such limits. */
function isValid(
  context: RouterContext,
  exchange: HttpExchange,
  { expiresAt, compiledLimits }: Resolution,
): boolean {
  if (expiresAt === undefined && compiledLimits === undefined) return true;
  const now = context.invocationContext.now().getTime();
  if (expiresAt !== undefined && expiresAt <= now) return false;
  return compiledLimits === undefined || isValidFor(compiledLimits, now, addressOf(context, exchange));
}

/** Refuses a request whose token does not work, and counts it against its address. */
function rejectUnauthorized(
  context: RouterContext,
  exchange: HttpExchange,
  head: RequestHead,
  isBlocked: boolean,
): void {
  context.authFailures.record(clientKey(context, exchange));
  respondDenial(context, exchange, head, unauthorized(isBlocked));
}

function unauthorized(isBlocked: boolean): Denial {
  return { reason: isBlocked ? "too_many_auth_failures" : "unauthorized" };
}

/**
 * Checks the headers whose refusal only the holder of a capability may see.
 *
 * @returns the handshake, if the client asks for a WebSocket.
 */
function checkRequestFields(
  context: RouterContext,
  head: ReadHead,
  resolved: Resolution,
  response: DownstreamResponse,
): Outcome<WebSocketHandshake | undefined> {
  const { upgrade, expect, operation, carrier } = head;
  if (carrier === "x-amz-security-token") {
    const checked = checkVirtualHost(context, head, resolved);
    if (!checked.ok) return checked;
  }
  if (operation !== undefined) {
    const checked = checkOperation(operation, resolved);
    if (!checked.ok) return checked;
  }
  if (upgrade !== undefined) return checkUpgrade(head, resolved, response);
  if (expect !== undefined && expect.toLowerCase() !== "100-continue")
    return err({ reason: "expectation_failed" });
  return PASSED;
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

function isAddressBlocked(context: RouterContext, exchange: HttpExchange): boolean {
  return !context.authFailures.isEmpty && context.authFailures.isBlocked(clientKey(context, exchange));
}

function clientKey(context: RouterContext, exchange: HttpExchange): string {
  const address = addressOf(context, exchange);
  return address === undefined ? "" : addressKey(address);
}

function addressOf({ trustedProxies }: RouterContext, { request }: HttpExchange): IpAddress | undefined {
  const forwardedFor =
    trustedProxies.length === 0 ? undefined : valuesOf(request.rawHeaders, "x-forwarded-for").join(",");
  return clientAddress(request.socket.remoteAddress ?? "", forwardedFor, trustedProxies);
}

function finish(
  context: RouterContext,
  exchange: HttpExchange,
  head: RequestHead,
  resolution: Resolution,
  end: ExchangeEnd,
): void {
  if (end.kind === "completed") {
    if (!exchange.request.complete) exchange.response.closeWithUnreadBody();
    // Most invocations return here: no id and no duration are computed for one that is not logged.
    if (end.status < 500 && !context.log.logsEveryInvocation) return;
  } else if (end.kind === "denied" && !isGatewayDenial(end.denial)) {
    return respondDenial(context, exchange, head, end.denial, resolution, end.report);
  }
  const requestId = ensureRequestId(context, exchange);
  const event = { requestId, of: fingerprintsOfCaller(resolution), exchange: end.report };
  switch (end.kind) {
    case "completed":
      return context.log.invoked({ ...event, status: end.status });
    case "denied": {
      const error = wireError(end.denial, head);
      const { reason } = end.denial;
      context.log.failed({ ...event, status: error.status, reason, ...causeOf(end.cause) });
      return respondOrAbort(exchange, head, error, resolution);
    }
    case "aborted":
      return context.log.aborted({ ...event, status: end.status, ...causeOf(end.cause) });
    case "client_disconnected":
      return context.log.clientDisconnected(event);
  }
}

/** Returns the id of a request: a trusted proxy's, or one that is made on first use. */
function ensureRequestId({ trustedProxies, newRequestId }: RouterContext, exchange: HttpExchange): string {
  const { request, requestId } = exchange;
  if (requestId !== undefined) return requestId;
  const sent = isTrustedProxy(request.socket.remoteAddress ?? "", trustedProxies)
    ? parseRequestId(valuesOf(request.rawHeaders, "x-request-id"))
    : undefined;
  exchange.requestId = sent ?? newRequestId();
  return exchange.requestId;
}

function fingerprintsOfCaller({ capability, tenant }: Resolution): Fingerprints {
  return fingerprintsOf(capability, tenant);
}

function causeOf(cause: Error | undefined): { readonly cause?: string } {
  if (cause === undefined) return {};
  return { cause: "code" in cause && typeof cause.code === "string" ? cause.code : cause.name };
}

function respondDenial(
  context: RouterContext,
  exchange: HttpExchange,
  head: RequestHead,
  denial: Denial,
  caller?: Resolution,
  report?: ExchangeReport,
): void {
  const requestId = ensureRequestId(context, exchange);
  const error = wireError(denial, head);
  const of = caller === undefined ? undefined : fingerprintsOfCaller(caller);
  context.log.refused({ requestId, status: error.status, reason: denial.reason, of, exchange: report });
  respondOrAbort(exchange, head, error, caller);
}

function respondFault(
  context: RouterContext,
  exchange: HttpExchange,
  head: RequestHead,
  error: unknown,
  caller: Resolution | undefined,
): void {
  const denial = denialForStoreError(error);
  if (denial !== undefined) return respondDenial(context, exchange, head, denial, caller);
  context.log.fault(error, ensureRequestId(context, exchange));
  respondOrAbort(exchange, head, internalError(), caller);
}

function respondMalformed(context: RouterContext, exchange: HttpExchange, message: string): void {
  const error = inPlaceOfTarget(wireError({ reason: "malformed_request", message }));
  const requestId = ensureRequestId(context, exchange);
  context.log.refused({ requestId, status: error.status, reason: "malformed_request" });
  exchange.response.closeAfter();
  respondError(exchange, { kind: "chunked" }, error);
}
