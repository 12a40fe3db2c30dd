import { err, ok } from "capability-protocol";
import type { Denial, Outcome } from "../domain/denial.ts";
import { headSize, headerLinesSize } from "../domain/head-size.ts";
import { authorize } from "./authorize.ts";
import type { CompiledLimits } from "./limits/compiled-limits.ts";
import { addHop } from "./loop-detection.ts";
import { narrow } from "./narrow.ts";
import { checkDeclaredLength } from "./payload.ts";
import type { PreparedTarget } from "./prepared-target.ts";
import type { RequestHead } from "./request-head.ts";
import type { ShapedRequest } from "./shape.ts";
import { shape } from "./shape.ts";
import { planPayload } from "./sign.ts";
import { findTokenCopy } from "./token-copy.ts";
import type { WebSocketHandshake } from "./websocket/handshake.ts";

/** What requests to targets are prepared with. */
export interface PrepareContext {
  /** Names this service in `Via` and `CDN-Loop`. */
  readonly hopId: string;
  /** How many bytes the head of a request to a target may have. */
  readonly headerBytes: number;
}

/** What the client asks for. */
interface Asked {
  readonly head: RequestHead;
  /** The client asks for a WebSocket. */
  readonly handshake: WebSocketHandshake | undefined;
}

const LOOP_DETECTED: Outcome<never> = err({ reason: "loop_detected" });
const HEAD_TOO_LARGE: Denial = { reason: "headers_too_large" };
const UPGRADE_NOT_SUPPORTED: Denial = { reason: "upgrade_not_supported" };

/**
 * Makes the upstream request of a client's, its body aside: authorize → shape → narrow, and then the checks of the whole. Nothing is
 * read of the body, and nothing counted.
 *
 * @param limits absent: nothing narrows the request.
 */
export function prepareRequest(
  context: PrepareContext,
  limits: CompiledLimits | undefined,
  target: PreparedTarget,
  asked: Asked,
): Outcome<ShapedRequest> {
  const { memo } = asked.head;
  if (memo === undefined) return prepare(context, limits, target, asked);
  return memo.prepared(target, limits, () => prepare(context, limits, target, asked));
}

function prepare(
  context: PrepareContext,
  limits: CompiledLimits | undefined,
  target: PreparedTarget,
  asked: Asked,
): Outcome<ShapedRequest> {
  const { head } = asked;
  const hopHeaders = addHop(head, context.hopId);
  if (hopHeaders === undefined) return LOOP_DETECTED;
  const uri = authorize(target, head);
  if (!uri.ok) return uri;
  const plan = planPayload(target, head);
  if (plan.kind === "refused") return err({ reason: "invalid_field", problem: plan.problem });
  const open = shape(target, head, uri.value, plan, hopHeaders);
  const shaped = limits === undefined || !open.ok ? open : narrow(limits, target, uri.value, open.value);
  if (!shaped.ok) return shaped;
  const denial = findDenial(context, limits, target, asked, shaped.value);
  return denial === undefined ? shaped : err(denial);
}

/** Puts the trailers of a body that is held before it: they are checksums. */
export function addTrailers(
  context: PrepareContext,
  target: PreparedTarget,
  shaped: ShapedRequest,
  trailers: readonly string[],
): Outcome<ShapedRequest> {
  const complete = { ...shaped, clientHeaders: [...shaped.clientHeaders, ...trailers] };
  return isHeadTooLarge(context, target, complete) ? err(HEAD_TOO_LARGE) : ok(complete);
}

/** Checks what is known only of the whole request. */
function findDenial(
  context: PrepareContext,
  limits: CompiledLimits | undefined,
  target: PreparedTarget,
  { head, handshake }: Asked,
  shaped: ShapedRequest,
): Denial | undefined {
  if (isHeadTooLarge(context, target, shaped)) return HEAD_TOO_LARGE;
  const copy = head.token === undefined ? undefined : findTokenCopy(head.token, shaped);
  if (copy !== undefined) return tokenCopied(copy);
  // The target's own method may be another one, with which no handshake is possible.
  if (handshake !== undefined && shaped.method !== "GET") return UPGRADE_NOT_SUPPORTED;
  return limits === undefined ? undefined : checkDeclaredLength(limits, shaped.plan, head);
}

function tokenCopied(field: string): Denial {
  const expected = "no capability token, since the target would get it";
  return { reason: "invalid_field", problem: { field, expected } };
}

/** Checked before signing, since the headers of both sides together may be twice as long as either may send. */
export function isHeadTooLarge(
  { headerBytes }: PrepareContext,
  { maxAddedBytes }: PreparedTarget,
  shaped: ShapedRequest,
): boolean {
  const { targetHeaders, clientHeaders, hopHeaders } = shaped;
  const bytes = headSize(shaped, targetHeaders) + headerLinesSize(clientHeaders);
  return bytes + headerLinesSize(hopHeaders) + maxAddedBytes > headerBytes;
}
