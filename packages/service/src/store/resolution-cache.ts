import { FairLru } from "../collections/fair-lru.ts";
import type { Lineage } from "../domain/linked-lineage.ts";
import { createLineageIndex } from "./lineage-index.ts";
import type { RevocationFeed } from "./revocation-feed.ts";
import type { Position } from "./revocation-source.ts";
import type { KnownLineages } from "./store.ts";

/** A resolved capability, valid until something in its lineage is revoked or expires. */
export interface Cacheable {
  readonly lineage: Lineage;
  /** The earliest expiry in the lineage, in milliseconds since 1970. */
  readonly expiresAt?: number | undefined;
  /** Its estimated size in memory. */
  readonly bytes: number;
  /** The tenant whose share of the cache it uses. */
  readonly cacheOwner: string;
}

/**
 * Resolutions by a digest of the token, never by the token itself. A revoke drops exactly those whose lineage it names.
 * Unknown tokens are not cached, since they may be minted later.
 */
export interface ResolutionCache<T extends Cacheable> {
  /** Call {@link RevocationFeed.advance} first: a resolution that is found after it is valid. */
  get(digest: string): T | undefined;
  /**
   * @param readAt where the log ended in the snapshot that `resolution` was read in. It is not cached if it may have been revoked
   *   since.
   */
  put(digest: string, resolution: T, readAt: Position): void;
  /** The nodes that cached resolutions depend on: a revoke that drops these drops its node and all below it. */
  readonly known: KnownLineages;
  usage(): CacheUsage;
}

/** What the cache holds. */
export interface CacheUsage {
  readonly entries: number;
  /** Estimated memory of the entries. */
  readonly bytes: number;
}

/** How much the cache keeps, in all. */
export interface CacheCapacity {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Evicts the least recently used resolutions of the tenant that has most, so that a tenant with too many slows only itself down.
 *
 * @param now the time of day in milliseconds since 1970, read only for resolutions that expire.
 */
export function createResolutionCache<T extends Cacheable>(
  feed: RevocationFeed,
  capacity: CacheCapacity,
  now: () => number,
): ResolutionCache<T> {
  const index = createLineageIndex<string>();
  const resolutions = new FairLru<string, T>(capacity, (resolution, digest) =>
    index.remove(resolution.lineage, digest),
  );
  feed.listen((revoked) => {
    for (const digest of index.dependentsOf(revoked)) resolutions.delete(digest);
  });
  return {
    get(digest) {
      const resolution = resolutions.get(digest);
      if (resolution?.expiresAt === undefined || now() < resolution.expiresAt) return resolution;
      resolutions.delete(digest);
      return undefined;
    },
    known: { position: feed.position, find: index.find },
    usage: () => ({ entries: resolutions.size, bytes: resolutions.bytes }),
    put(digest, resolution, readAt) {
      if (!feed.holds(readAt, resolution.lineage)) return;
      resolutions.delete(digest);
      // First, so that what is evicted for it does not take along the nodes that it shares.
      index.add(resolution.lineage, digest);
      // False if it alone is larger than the cache.
      const isCached = resolutions.set(digest, resolution, {
        owner: resolution.cacheOwner,
        bytes: resolution.bytes,
      });
      if (!isCached) index.remove(resolution.lineage, digest);
    },
  };
}
