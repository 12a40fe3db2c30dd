import type { PrepareContext } from "./prepare-request.ts";
import { isHeadTooLarge } from "./prepare-request.ts";
import type { PreparedTarget } from "./prepared-target.ts";
import type { ShapedRequest } from "./shape.ts";
import type { RequestTrace } from "../tracing/request-trace.ts";

const TRACEPARENT = "traceparent";
const TRACESTATE = "tracestate";

/**
 * Puts the service between the client and the target of a request that is recorded: the target gets the span of the request to it as its
 * parent. It gets one only where it would have got the client's, or the client has sent none, and none if the target configures one. A head
 * that would be too large stays as it is, since recording a request must not refuse it.
 */
export function withTraceparent(
  context: PrepareContext,
  target: PreparedTarget,
  shaped: ShapedRequest,
  trace: RequestTrace,
): ShapedRequest {
  trace.targetMethod = shaped.method;
  if (target.headerNames.has(TRACEPARENT)) return shaped;
  const { parent, keepsState, traceparent } = trace;
  const clientHeaders: string[] = [];
  for (let i = 0; i + 1 < shaped.clientHeaders.length; i += 2) {
    const name = shaped.clientHeaders[i] ?? "";
    const value = shaped.clientHeaders[i + 1] ?? "";
    const lowerCase =
      name.length === TRACEPARENT.length || name.length === TRACESTATE.length ? name.toLowerCase() : "";
    if (lowerCase === TRACEPARENT) {
      if (parent !== undefined) clientHeaders.push(name, traceparent);
    } else if (lowerCase !== TRACESTATE || keepsState) clientHeaders.push(name, value);
  }
  if (parent === undefined) clientHeaders.push(TRACEPARENT, traceparent);
  const traced = { ...shaped, clientHeaders };
  return isHeadTooLarge(context, target, traced) ? shaped : traced;
}
