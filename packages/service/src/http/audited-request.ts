import type { AuditedRequest } from "../domain/audited-request.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import type { Resolution } from "../invocation/resolve.ts";
import type { Cidr } from "../net/address.ts";
import { formatAddress } from "../net/peer-address.ts";
import { membraneOf } from "../telemetry/fingerprint.ts";
import { formatTraceparent } from "../tracing/trace-context.ts";
import { addressOf } from "./client-address.ts";
import { clientTraceOf } from "./client-trace.ts";

type AnyRequest = Omit<AuditedRequest, "capability" | "lineage">;

/** What the audit trail says of any request. */
export function auditedExchange(
  requestId: string,
  exchange: HttpExchange,
  { method }: Pick<RequestHead, "method">,
  trustedProxies: readonly Cidr[],
): AnyRequest {
  const trace = clientTraceOf(exchange);
  const address = addressOf(exchange.request, trustedProxies);
  return {
    requestId,
    method,
    client: address && formatAddress(address),
    // Written anew, so that nothing else of the header is in the trail.
    traceparent: trace && formatTraceparent(trace),
  };
}

/** What the audit trail says of a request with a capability. */
export function withCaller(
  request: AnyRequest,
  { capability, lineage, tenant }: Pick<Resolution, "capability" | "lineage" | "tenant">,
): AuditedRequest {
  return { ...request, capability: capability.uid, lineage, tenant, membrane: membraneOf(capability) };
}
