import type { HttpExchange } from "../http1/downstream.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import type { Resolution } from "../invocation/resolve.ts";
import { inPlaceOfTarget } from "./proxy-status.ts";
import { respondError, respondS3Error } from "./respond.ts";
import type { WireError } from "./wire-error.ts";

/**
 * Sends an error in the form that its client reads, or aborts a response that has begun: its status cannot be changed any more.
 *
 * @param caller the capability of the request, once it is known.
 */
export function respondOrAbort(
  exchange: HttpExchange,
  head: RequestHead,
  error: WireError,
  caller: Resolution | undefined,
): void {
  if (exchange.response.headersSent) return exchange.response.abort();
  // A request that was refused before its capability was known could have been for a target.
  const isForTarget = caller === undefined || caller.capability.kind === "invoke";
  const sent = isForTarget ? inPlaceOfTarget(error) : error;
  if (isForS3Client(head, error, caller)) respondS3Error(exchange, head.body, sent);
  else respondError(exchange, head.body, sent);
}

/** A 401 is the same for every request. */
function isForS3Client(
  { carrier }: RequestHead,
  { status }: WireError,
  caller: Resolution | undefined,
): boolean {
  return carrier === "x-amz-security-token" && status !== 401 && caller?.upstream?.target.isS3 === true;
}
