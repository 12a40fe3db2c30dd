import type { InvocationAudit } from "../audit/request-audit.ts";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import { thenMaybe } from "../collections/maybe-promise.ts";
import type { Kind, ServiceKind } from "../domain/capability.ts";
import type { Denial } from "../domain/denial.ts";
import { isTargetFailure } from "../domain/denial.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import type { ExchangeEnd } from "../invocation/exchange-context.ts";
import type { InvocationContext } from "../invocation/invoke.ts";
import { invoke } from "../invocation/invoke.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import type { Authenticated, Resolution } from "../invocation/resolve.ts";
import { watchEnded } from "../invocation/waiting-responses.ts";
import { measureChanges } from "../management/changes.ts";
import type { RequestTrace } from "../tracing/request-trace.ts";
import type { Tracer } from "../tracing/tracer.ts";
import type { AuditedRequest } from "../domain/audited-request.ts";
import { auditedExchange, withCaller } from "./audited-request.ts";
import type { CheckContext } from "./check-request.ts";
import { checkFields, checkUsable } from "./check-request.ts";
import type { IdentifyContext } from "./identify.ts";
import { identify, lookupMode, unauthorized } from "./identify.ts";
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
  requestIds,
  respondDenial,
  respondFault,
  respondMalformed,
} from "./respond-and-log.ts";
import { beginTrace, endManaged } from "./request-spans.ts";
import { respondJson } from "./respond.ts";
import type { PublicRouteContext } from "./routes.ts";
import { findPublicRoute, findTokenRoute } from "./routes.ts";
import { wireError } from "./wire-error.ts";

export interface RouterContext
  extends ReadHeadContext, IdentifyContext, CheckContext, ResponderContext, PublicRouteContext {
  readonly invocationContext: InvocationContext;
  readonly managementContext: ManagementEndpointContext;
  /** Absent: no request is recorded. */
  readonly tracer: Tracer | undefined;
  /** Absent if no invocation is recorded. */
  readonly invocationAudit?: InvocationAudit | undefined;
}

/**
 * Carries out one request, from its head to the end of its response: reads the head, finds the capability of its token, checks
 * whether it may be used, and carries out its operation or invokes its target.
 */
export async function route(context: RouterContext, exchange: HttpExchange): Promise<void> {
  const arrivedAt = context.invocationContext.ticker.now();
  const read = readHead(exchange.request, context);
  if (!read.ok) return respondMalformed(context, exchange, read.error);
  const head = read.value;
  let authenticated: Authenticated | undefined;
  try {
    if (respondWithoutToken(context, exchange, head)) return;
    const mode = lookupMode(context, exchange);
    const askedAt = context.tracer?.monotonic();
    // Awaiting a value that is known already would cost a turn of the event loop, here and below.
    const identifying = identify(context, exchange, head, mode);
    const identified = identifying instanceof Promise ? await identifying : identifying;
    if (!identified.ok) return respondDenial(context, exchange, head, identified.error);
    authenticated = identified.value;
    const { resolution } = authenticated;
    if (context.tracer !== undefined) {
      const readAt = identifying instanceof Promise ? askedAt : undefined;
      const trace = beginTrace(context.tracer, exchange, resolution, { arrivedAt, readAt });
      if (trace !== undefined) exchange.trace = trace;
    }
    const checking = checkUsable(context, exchange, resolution);
    const useDenial = checking instanceof Promise ? await checking : checking;
    if (useDenial?.reason === "unauthorized")
      return respondDenial(context, exchange, head, unauthorized(mode), resolution);
    const performing = perform(context, exchange, head, authenticated, { useDenial, arrivedAt });
    const end = performing instanceof Promise ? await performing : performing;
    if (end !== undefined) finish(context, exchange, head, resolution, end);
  } catch (error) {
    respondFault(context, exchange, head, error, authenticated?.resolution);
  } finally {
    authenticated?.inFlight.finishInvocation();
  }
}

/** @returns whether the response depends on no token, or one could be only in the URL; it has been sent then. */
function respondWithoutToken(context: RouterContext, exchange: HttpExchange, head: ReadHead): boolean {
  const publicRoute = head.isAnonymous ? findPublicRoute(head) : findTokenRoute(head);
  if (publicRoute !== undefined) {
    ensureRequestId(context, exchange);
    publicRoute.respond(exchange, head, context);
    return true;
  }
  if (!head.isAnonymous || !isPresignedQuery(head.query)) return false;
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

/** They pass whatever is used up: a revoke frees what others use, and ends at once. */
const REVOKING: ReadonlySet<Kind> = new Set(["revoke", "deleteSelf"]);

/**
 * Carries out what a capability that may be used is for.
 *
 * @returns the end of an invocation; nothing if the response is complete already.
 */
function perform(
  context: RouterContext,
  exchange: HttpExchange,
  head: ReadHead,
  authenticated: Authenticated,
  { useDenial, arrivedAt }: { readonly useDenial: Denial | undefined; readonly arrivedAt: number },
): MaybePromise<ExchangeEnd | undefined> {
  const { resolution } = authenticated;
  const fields = checkFields(context, head, resolution, exchange);
  if (!fields.ok) {
    respondDenial(context, exchange, head, fields.error, resolution);
    return undefined;
  }
  const { kind } = resolution.capability;
  const denial = REVOKING.has(kind)
    ? undefined
    : context.invocationContext.usedResolutions.use(authenticated.inFlight, resolution);
  if (denial !== undefined) {
    respondDenial(context, exchange, head, denial, resolution);
    return undefined;
  }
  // The client sends its body only after the capability and all limits have been checked.
  if (head.expect !== undefined) exchange.response.continueOnRead();
  if (kind !== "invoke") return runManagement(context, exchange, head, resolution, kind);
  const { request, response, trace } = exchange;
  const downstream = { head, request, response, trace, useDenial, handshake: fields.value, arrivedAt };
  const { invocationAudit, invocationContext } = context;
  if (invocationAudit === undefined || !invocationAudit.isSampled())
    return invoke(invocationContext, authenticated, downstream);
  // The address of a client that disconnects is not known any more.
  const audited = auditedRequest(context, exchange, head, resolution);
  if (!invocationAudit.mayProceed()) return { kind: "denied", denial: { reason: "audit_unavailable" } };
  return thenMaybe(invoke(invocationContext, authenticated, downstream), (end) => {
    auditInvocation(invocationAudit, audited, end);
    return end;
  });
}

/** Records how an invocation ended; one that was refused before anything was sent is not an invocation of its target. */
function auditInvocation(audit: InvocationAudit, request: AuditedRequest, end: ExchangeEnd): void {
  const { report } = end;
  switch (end.kind) {
    case "completed":
      return audit.ended(request, { outcome: "completed", status: end.status, report });
    case "aborted":
      return audit.ended(request, { outcome: "aborted", status: end.status, report });
    case "client_disconnected":
      return audit.ended(request, { outcome: "client-disconnected", report });
    case "denied": {
      const { reason } = end.denial;
      const isOwn = report === undefined && !isTargetFailure(end.denial);
      if (isOwn) return;
      return audit.ended(request, {
        outcome: "failed",
        status: wireError(end.denial).status,
        reason,
        report,
      });
    }
  }
}

function auditedRequest(
  context: RouterContext,
  exchange: HttpExchange,
  head: RequestHead,
  caller: Resolution,
): AuditedRequest {
  const requestId = ensureRequestId(context, exchange);
  return withCaller(auditedExchange(requestId, exchange, head, context.trustedProxies), caller);
}

async function runManagement(
  context: RouterContext,
  exchange: HttpExchange,
  head: RequestHead,
  caller: Resolution,
  kind: ServiceKind,
): Promise<undefined> {
  const ids = requestIds(context, exchange);
  const { capability, payload, accounts, useCounters } = caller;
  const audited = context.refusalAudit && auditedRequest(context, exchange, head, caller);
  const request = { capability, payload, accounts, useCounters, ...ids, audited };
  const management = measured(context.managementContext, exchange.trace);
  const outcome = await handleManagement(management, request, kind, head, exchange);
  if (outcome === undefined) {
    endManaged(exchange, head, caller, undefined);
    return;
  }
  if (!outcome.ok) {
    respondDenial(context, exchange, head, outcome.error, caller);
    return;
  }
  const { status, body } = outcome.value;
  context.counts.operations[kind].done += 1;
  endManaged(exchange, head, caller, status);
  context.log.managed({ status, of: fingerprintsOfCaller(caller), kind, ...ids });
  respondJson(exchange, head.body, status, body);
  watchEnded(context.invocationContext.waitingResponses, exchange.response, caller.accounts);
}

/** Lets the trace of a request know how long its writes take. */
function measured(
  context: ManagementEndpointContext,
  trace: RequestTrace | undefined,
): ManagementEndpointContext {
  if (trace === undefined) return context;
  return { ...context, changes: measureChanges(context.changes, (write) => trace.measureWrite(write)) };
}
