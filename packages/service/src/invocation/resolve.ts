import { hash } from "node:crypto";
import type { Authority, CapabilityToken, Err, Ok, Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { HashFunction } from "capability-protocol/signers";
import type { Capability } from "../domain/capability.ts";
import type { Lineage } from "../domain/linked-lineage.ts";
import type { Uid } from "../domain/uid.ts";
import type { UseCounter } from "../domain/use-counter.ts";
import { useCountersOf } from "../domain/use-counter.ts";
import { poolKey } from "../egress/pools.ts";
import type { RevocationFeed } from "../store/revocation-feed.ts";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import { StoreBusyError } from "../store/store.ts";
import type { OpenedCapability, Vault } from "../store/vault.ts";
import type { ResolutionCache } from "../store/resolution-cache.ts";
import type { CompiledLimits } from "./limits/compiled-limits.ts";
import { compileLimits } from "./limits/compiled-limits.ts";
import type { UsageAccounts, AccountRegistry } from "./usage-accounts.ts";
import type { InFlightRequest, InFlightRegistry } from "./in-flight-registry.ts";
import type { PreparedTarget } from "./prepared-target.ts";
import { prepareTarget } from "./prepared-target.ts";
import { resolutionSize } from "./resolution-size.ts";

/** A capability that is alive at this moment, and the target of an exported one. */
export interface Resolution {
  readonly capability: Capability;
  readonly payload: Buffer;
  readonly lineage: Lineage;
  /** The earliest expiry in the lineage, in milliseconds since 1970. */
  readonly expiresAt: number | undefined;
  /** What its uses are counted on. Absent if they are not counted. */
  readonly useCounters: readonly UseCounter[] | undefined;
  /** Its limits, and those of every capability that it re-exports; absent if they narrow no request. */
  readonly compiledLimits: CompiledLimits | undefined;
  /** The accounts that its use counts against. */
  readonly accounts: UsageAccounts;
  /** The tenant through whose membrane it was exported, or on which it acts; absent for the operator's capabilities. */
  readonly tenant: Uid | undefined;
  /** The tenant whose share of the cache it uses. */
  readonly cacheOwner: string;
  /** Its estimated size in memory. */
  readonly bytes: number;
  /** How many requests in flight it is counted for; only `UsedResolutions` writes it. */
  requests: number;
  /** Today's rules refuse the target, which was exported under less strict ones: nothing is sent. */
  readonly isOutdated?: boolean;
  readonly upstream?: {
    readonly target: PreparedTarget;
    readonly poolKey: string;
    /** The tenant that owns the target. */
    readonly owner: string;
  };
}

/** A resolved capability, with its request registered in the same turn so that a revoke ends it. */
export interface Authenticated {
  readonly resolution: Resolution;
  readonly inFlight: InFlightRequest;
}

/** The owner of the operator's capabilities. */
const NO_TENANT = "";

/** How often a record is read again because the log has moved. */
const MAX_ATTEMPTS = 16;

/** How often a request has found its resolution in the cache. */
export interface CacheLookups {
  hits: number;
  misses: number;
}

export interface ResolveContext {
  readonly inFlightRegistry: InFlightRegistry;
  readonly accountRegistry: AccountRegistry;
  readonly feed: RevocationFeed;
  readonly cache: ResolutionCache<Resolution>;
  readonly lookups: CacheLookups;
  readonly vault: Vault;
  readonly digest: HashFunction;
  readonly authorityCa: (authority: Authority) => string | undefined;
}

/** Which tokens are resolved: all, or only those in the cache, which cost no read of the store. */
export type LookupMode = "any" | "cached";

/** Why a token resolves to nothing: it is unknown or revoked, or its capability ended by time. */
export interface ResolveDenial {
  readonly cause: "unknown" | "expired";
}

/** The result for a token that is unknown or revoked, and for a request without token. */
export const UNKNOWN_TOKEN: Err<ResolveDenial> = err({ cause: "unknown" });
const EXPIRED: Err<ResolveDenial> = err({ cause: "expired" });

/**
 * Resolves a token to its capability. It catches up with the revocation log first, so that the result takes every revoke
 * into account that was acknowledged before this call.
 *
 * @param digest of the token, if it is known.
 */
export function resolve(
  context: ResolveContext,
  token: CapabilityToken,
  mode: LookupMode = "any",
  digest: string = digestOfToken(token),
): MaybePromise<Result<Authenticated, ResolveDenial>> {
  const pending = context.feed.refresh();
  if (pending instanceof Promise) return pending.then(() => lookUp(context, token, digest, mode));
  // Synchronous in nearly all cases: the log's position is known and the resolution cached.
  return lookUp(context, token, digest, mode);
}

/** Computes the digest of a token, by which its resolution is found in the cache. */
export function digestOfToken(token: string): string {
  return hash("sha512", token, "base64");
}

/** Call it after the feed was refreshed. */
function lookUp(
  context: ResolveContext,
  token: CapabilityToken,
  digest: string,
  mode: LookupMode,
): MaybePromise<Result<Authenticated, ResolveDenial>> {
  const cached = fromCache(context, digest);
  if (cached === undefined) {
    context.lookups.misses += 1;
    return fromStore(context, token, digest, mode);
  }
  context.lookups.hits += 1;
  return cached;
}

/** Call it after the feed was refreshed. */
function fromCache(context: ResolveContext, digest: string): Ok<Authenticated> | undefined {
  const resolution = context.cache.get(digest);
  return resolution === undefined ? undefined : register(context, resolution);
}

function register({ inFlightRegistry }: ResolveContext, resolution: Resolution): Ok<Authenticated> {
  return ok({ resolution, inFlight: inFlightRegistry.register(resolution.lineage, resolution.expiresAt) });
}

async function fromStore(
  context: ResolveContext,
  token: CapabilityToken,
  digest: string,
  mode: LookupMode,
): Promise<Result<Authenticated, ResolveDenial>> {
  if (mode === "cached") return UNKNOWN_TOKEN;
  const { feed, cache, vault } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const opened = await vault.openUnlessExpired(token, cache.known);
    if (opened === undefined) return UNKNOWN_TOKEN;
    if (opened === "expired") return EXPIRED;
    // It may have been read in a snapshot with revokes that this process has not applied yet.
    const pending = feed.refresh(opened.position);
    if (pending instanceof Promise) await pending;
    // What was known at once is of this turn.
    const isFresh = pending === undefined || feed.advance();
    // Unrelated revokes in the meantime need no second read.
    if (isFresh && feed.holds(opened.position, opened.lineage)) {
      // Of requests that use a capability for the first time together, the first one prepares its target for all.
      const shared = fromCache(context, digest);
      if (shared !== undefined) return shared;
      const resolution = toResolution(context, opened);
      // What was found by an older service key is offered for its rekeying at each use until that is done.
      if (!opened.needsRekey) cache.put(digest, resolution, opened.position);
      return register(context, resolution);
    }
    // Something in its lineage was revoked after it was read, or the log is another one.
    await feed.refresh();
    const cached = fromCache(context, digest);
    if (cached !== undefined) return cached;
  }
  throw new StoreBusyError("revokes come faster than a record can be read");
}

function toResolution(context: ResolveContext, opened: OpenedCapability): Resolution {
  const { capability, payload, limits, lineage, usageOwners, expiresAt, target: stored } = opened;
  const bytes = resolutionSize({
    nodes: lineage.size,
    configurationBytes: stored?.bytes ?? 0,
    limitBytes: opened.limitBytes,
  });
  const accounts = context.accountRegistry.accountsOf(usageOwners);
  const found = {
    capability,
    payload,
    lineage,
    expiresAt,
    useCounters: useCountersOf(limits),
    compiledLimits: compileLimits(limits),
    accounts,
    tenant: usageOwners.exporter,
    cacheOwner: usageOwners.exporter ?? NO_TENANT,
    bytes,
    requests: 0,
  };
  if (stored === undefined) return found;
  if (stored.content === undefined) return { ...found, isOutdated: true };
  const target = prepareTarget(stored.content, context.digest, context.authorityCa);
  const owner = usageOwners.targetOwner ?? NO_TENANT;
  return { upstream: { target, owner, poolKey: poolKey(target, owner) }, ...found };
}
