import type { Result } from "capability-protocol";
import { err } from "capability-protocol";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import type { Denial, Outcome } from "../domain/denial.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import type { Authenticated, LookupMode, ResolveContext, ResolveDenial } from "../invocation/resolve.ts";
import { digestOfToken, resolve, UNKNOWN_TOKEN } from "../invocation/resolve.ts";
import type { Cidr } from "../net/address.ts";
import { addressKey } from "../net/peer-address.ts";
import type { AuthFailureLimiter } from "./auth-failure-limiter.ts";
import { addressOf } from "./client-address.ts";
import type { ReadHead } from "./read-head.ts";

export interface IdentifyContext {
  readonly resolveContext: ResolveContext;
  readonly authFailures: AuthFailureLimiter;
  /** Proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies: readonly Cidr[];
}

/** From an address that fails too often, only tokens in the cache are resolved. */
export function lookupMode(context: IdentifyContext, exchange: HttpExchange): LookupMode {
  const { authFailures } = context;
  return !authFailures.isEmpty && authFailures.isBlocked(clientKey(context, exchange)) ? "cached" : "any";
}

/** Finds the capability of a request, and registers the request with it. */
export function identify(
  context: IdentifyContext,
  exchange: HttpExchange,
  { token }: ReadHead,
  mode: LookupMode,
): MaybePromise<Outcome<Authenticated>> {
  const { socket } = exchange.request;
  const resolved =
    token === undefined
      ? UNKNOWN_TOKEN
      : resolve(context.resolveContext, token, mode, socket.digestOf?.(token, digestOfToken));
  return resolved instanceof Promise
    ? resolved.then((late) => countFailure(context, exchange, mode, late))
    : countFailure(context, exchange, mode, resolved);
}

/** Counts a token that does not work against the address. One that is not valid now is not a guess, and is not counted. */
function countFailure(
  context: IdentifyContext,
  exchange: HttpExchange,
  mode: LookupMode,
  resolved: Result<Authenticated, ResolveDenial>,
): Outcome<Authenticated> {
  if (resolved.ok) return resolved;
  if (resolved.error.cause === "unknown") context.authFailures.record(clientKey(context, exchange));
  return err(unauthorized(mode));
}

function clientKey({ trustedProxies }: IdentifyContext, { request }: HttpExchange): string {
  const address = addressOf(request, trustedProxies);
  return address === undefined ? "" : addressKey(address);
}

/** What does not exist, what is not valid now, and what is used up for ever have the same response. */
export function unauthorized(mode: LookupMode): Denial {
  return { reason: mode === "cached" ? "too_many_auth_failures" : "unauthorized" };
}
