import { Histogram } from "../../service/src/collections/histogram.ts";
import { InvocationMeter } from "../../service/src/invocation/invocation-meter.ts";
import { LONG_BOUNDS, SHORT_BOUNDS } from "../../service/src/telemetry/metrics/definitions.ts";
import { hash } from "node:crypto";
import { parseExportRequest } from "capability-protocol";
import type { HashFunction } from "capability-protocol/signers";
import { contentOf } from "../../service/src/domain/target.ts";
import type { DownstreamConnection } from "../../service/src/http1/downstream.ts";
import type { Carrier } from "../../service/src/invocation/carrier.ts";
import type { AuthorizedUri } from "../../service/src/invocation/authorize.ts";
import { authorize } from "../../service/src/invocation/authorize.ts";
import type { SentRequest } from "../../service/src/invocation/reference-filter.ts";
import type { RequestHead } from "../../service/src/invocation/request-head.ts";
import type { ShapedRequest } from "../../service/src/invocation/shape.ts";
import { shape } from "../../service/src/invocation/shape.ts";
import { planPayload } from "../../service/src/invocation/sign.ts";
import type { PreparedTarget } from "../../service/src/invocation/prepared-target.ts";
import { prepareTarget } from "../../service/src/invocation/prepared-target.ts";

export const digest: HashFunction = hash;

/** Prepares the target of an export body as for an invocation. */
export function preparedTarget(body: object): PreparedTarget {
  const request = parseExportRequest(body);
  if (!request.ok) throw new Error(`${request.error.field}: ${request.error.expected}`);
  return prepareTarget(contentOf(request.value), digest, () => undefined);
}

/** Makes a client's head; by default GET / without headers and body. */
export function requestHeadOf(given: Partial<RequestHead> = {}): RequestHead {
  return {
    httpVersion: "1.1",
    method: "GET",
    path: "/",
    query: "",
    rawHeaders: [],
    body: { kind: "none" },
    token: undefined,
    memo: undefined,
    carrier: "authorization",
    ...given,
  };
}

/** Makes the connection of a client; by default plain, and from another machine. */
export function clientConnection(given: Partial<DownstreamConnection> = {}): DownstreamConnection {
  return {
    destroyed: false,
    remoteAddress: "192.0.2.1",
    on: () => undefined,
    off: () => undefined,
    ...given,
  };
}

/** What a client's head adds to a target's URI. Throws if it is refused. */
export function authorizedUri(target: PreparedTarget, head: RequestHead): AuthorizedUri {
  const uri = authorize(target, head);
  if (!uri.ok) throw new Error(`refused: ${uri.error.reason}`);
  return uri.value;
}

/** All header lines that a target gets of a shaped request, in that order. */
export function headersOf({ targetHeaders, clientHeaders }: ShapedRequest): readonly string[] {
  return [...targetHeaders, ...clientHeaders];
}

/** Makes the upstream request for a client's head, and throws if it is refused. */
export function shaped(target: PreparedTarget, head: RequestHead): ShapedRequest {
  const plan = planPayload(target, head);
  if (plan.kind === "refused") throw new Error(`refused: ${plan.problem.field}`);
  const outcome = shape(target, head, authorizedUri(target, head), plan, []);
  if (!outcome.ok) throw new Error(`refused: ${outcome.error.reason}`);
  return outcome.value;
}

/** Makes a request to this target as it was sent, for a response to it. */
export function sentRequestOf(
  body: object,
  clientHeaders: readonly string[] = [],
  carrier: Carrier = "authorization",
): SentRequest {
  const target = preparedTarget(body);
  return { target, path: target.path, clientHeaders, carrier, ownOrigin: "https://membrane.test" };
}

/** What an invocation counts. */
export function testMeter(): InvocationMeter {
  const [gateway, target] = [new Histogram(SHORT_BOUNDS), new Histogram(LONG_BOUNDS)];
  return new InvocationMeter({ gateway, target });
}
