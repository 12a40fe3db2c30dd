import type { UseContext } from "./count-use.ts";
import { countUse } from "./count-use.ts";
import type { UpstreamRequest } from "./exchange-context.ts";
import type { Payload } from "./payload.ts";
import { withLength } from "./payload.ts";
import type { PreparedTarget } from "./prepared-target.ts";
import type { RequestHead } from "./request-head.ts";
import type { Resolution } from "./resolve.ts";
import type { ShapedRequest } from "./shape.ts";
import { sign } from "./sign.ts";

/** What a request to a target is sent with. */
export interface SendContext extends UseContext {
  readonly now: () => Date;
  /** This service's origin, serialized: references of a target become references to it. */
  readonly ownOrigin: string;
  /** How long a target may take to begin its response, in milliseconds. */
  readonly responseTimeoutMs: number;
  /** How long a target may send nothing, before its response and within it, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/** Makes a shaped request and its body ready to be sent. It is signed, and its use counted, once there is a connection. */
export function upstreamRequest(
  context: SendContext,
  resolution: Resolution,
  target: PreparedTarget,
  shaped: ShapedRequest,
  payload: Payload,
  head: RequestHead,
): UpstreamRequest {
  const { method, query, hopHeaders } = shaped;
  const { hash, body } = payload;
  const unsigned = withLength(hopHeaders, payload);
  const path = query === "" ? shaped.path : `${shaped.path}?${query}`;
  return {
    method,
    path,
    repeats: head.memo !== undefined,
    sign: () => signOnce(context, target, shaped, { hash, unsigned, memo: head.memo }),
    countUse: countingOf(context, resolution),
    body,
    sentRequest: {
      target,
      path,
      clientHeaders: head.rawHeaders,
      carrier: head.carrier,
      ownOrigin: context.ownOrigin,
    },
    responseTimeoutMs: shorterTimeout(
      target.timeoutMs,
      Math.min(context.responseTimeoutMs, context.idleTimeoutMs),
    ),
    idleTimeoutMs: shorterTimeout(target.timeoutMs, context.idleTimeoutMs),
  };
}

/** Signs a request of a head that comes again once a second, and of a target without a signature once. */
function signOnce(
  { now }: Pick<SendContext, "now">,
  target: PreparedTarget,
  shaped: ShapedRequest,
  {
    hash,
    unsigned,
    memo,
  }: Pick<Payload, "hash"> & Pick<RequestHead, "memo"> & { unsigned: readonly string[] },
): readonly string[] {
  if (memo === undefined) return sign(target, shaped, hash, unsigned, now);
  if (target.signer === undefined)
    return memo.signed(shaped, hash, unsigned, 0, () => sign(target, shaped, hash, unsigned, now));
  const at = now();
  const second = Math.floor(at.getTime() / 1_000);
  return memo.signed(shaped, hash, unsigned, second, () => sign(target, shaped, hash, unsigned, () => at));
}

/** Counts the use in the turn of the capability's tenant. */
function countingOf(
  context: UseContext,
  { useCounters, capability, cacheOwner }: Resolution,
): UpstreamRequest["countUse"] {
  if (useCounters === undefined) return undefined;
  return () => countUse(context, useCounters, { tenant: cacheOwner, capability: capability.uid });
}

/** A target can shorten what the service allows, never lengthen it. */
function shorterTimeout(own: number | undefined, limit: number): number {
  return own === undefined ? limit : Math.min(own, limit);
}
