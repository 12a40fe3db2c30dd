import { err } from "capability-protocol";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import type { Denial, Outcome } from "../domain/denial.ts";
import { PASSED } from "../domain/denial.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import type { UseContext } from "../invocation/count-use.ts";
import { findUseDenial } from "../invocation/count-use.ts";
import { checkOperation } from "../invocation/intended-operation.ts";
import { isValidFor } from "../invocation/limits/apply-limits.ts";
import type { Resolution } from "../invocation/resolve.ts";
import type { WebSocketHandshake } from "../invocation/websocket/handshake.ts";
import type { Cidr } from "../net/address.ts";
import { checkUpgrade } from "./check-upgrade.ts";
import { addressOf } from "./client-address.ts";
import type { ReadHead } from "./read-head.ts";
import type { VirtualHostContext } from "./virtual-host.ts";
import { checkVirtualHost } from "./virtual-host.ts";

export interface CheckContext extends VirtualHostContext {
  /** Proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies: readonly Cidr[];
  readonly invocationContext: Pick<UseContext, "useStore"> & { readonly now: () => Date };
}

const UNAUTHORIZED: Denial = { reason: "unauthorized" };

/**
 * Checks whether a capability that is alive may be used: at this moment, by this client, and once more. Nothing is read for a
 * capability without such limits, and nothing is counted.
 *
 * @returns `unauthorized`, for a request to be refused before all else, since a 401 says nothing of the request; or a refusal until
 *   the next window, for one whose other checks come first.
 */
export function checkUsable(
  context: CheckContext,
  exchange: HttpExchange,
  resolution: Resolution,
): MaybePromise<Denial | undefined> {
  if (!isValid(context, exchange, resolution)) return UNAUTHORIZED;
  const { useCounters } = resolution;
  return useCounters === undefined ? undefined : findUseDenial(context.invocationContext, useCounters);
}

function isValid(
  { trustedProxies, invocationContext }: CheckContext,
  { request }: HttpExchange,
  { expiresAt, compiledLimits }: Resolution,
): boolean {
  if (expiresAt === undefined && compiledLimits === undefined) return true;
  const now = invocationContext.now().getTime();
  if (expiresAt !== undefined && expiresAt <= now) return false;
  return compiledLimits === undefined || isValidFor(compiledLimits, now, addressOf(request, trustedProxies));
}

/**
 * Checks the headers whose refusal only the holder of a capability may see.
 *
 * @returns the handshake, if the client asks for a WebSocket.
 */
export function checkFields(
  context: VirtualHostContext,
  head: ReadHead,
  resolution: Resolution,
  { response }: HttpExchange,
): Outcome<WebSocketHandshake | undefined> {
  const { upgrade, expect, operation, carrier } = head;
  if (carrier === "x-amz-security-token") {
    const checked = checkVirtualHost(context, head, resolution);
    if (!checked.ok) return checked;
  }
  if (operation !== undefined) {
    const checked = checkOperation(operation, resolution);
    if (!checked.ok) return checked;
  }
  if (upgrade !== undefined) return checkUpgrade(head, resolution, response);
  if (expect !== undefined && expect.toLowerCase() !== "100-continue")
    return err({ reason: "expectation_failed" });
  return PASSED;
}
