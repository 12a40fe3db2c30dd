import { FairLru } from "../collections/fair-lru.ts";
import type { Uid } from "../domain/uid.ts";
import { createLineageIndex } from "./lineage-index.ts";
import type { RevocationFeed } from "./revocation-feed.ts";
import type { Position } from "./store.ts";
import { samePosition } from "./store.ts";

/** A verdict that holds as long as nothing of its lineage is revoked. */
export interface Cacheable {
  readonly lineage: ReadonlySet<Uid>;
  /** About how much memory it holds. */
  readonly bytes: number;
  /** The tenant that it is charged to. */
  readonly cacheOwner: string;
}

/**
 * Verdicts by a digest of the token (never the token itself). A revoke drops exactly the verdicts whose lineage it names.
 * Only what works is kept: an unknown token may be minted later.
 */
export interface ResolutionCache<T extends Cacheable> {
  /** Ask {@link RevocationFeed.advance} first: then what is found still holds. */
  get(digest: string): T | undefined;
  /**
   * @param position of the snapshot that `verdict` was read in. If the log has moved meanwhile the verdict is not kept:
   *   it may be one that a revoke has just made void.
   */
  put(digest: string, resolution: T, position: Position): void;
}

/**
 * Evicts the least recently used verdicts of the tenant that has most, so that a tenant with too many slows only itself down.
 *
 * @param capacity how many verdicts are kept.
 * @param capacityBytes how much memory they may hold together.
 */
export function createResolutionCache<T extends Cacheable>(
  feed: RevocationFeed,
  capacity: number,
  capacityBytes: number,
): ResolutionCache<T> {
  const index = createLineageIndex<string>();
  const resolutions = new FairLru<string, T>(
    { entries: capacity, bytes: capacityBytes },
    (resolution, digest) => index.remove(resolution.lineage, digest),
  );
  feed.listen((revoked) => {
    for (const digest of index.dependentsOf(revoked)) resolutions.delete(digest);
  });
  return {
    get: (digest) => resolutions.get(digest),
    put(digest, resolution, position) {
      if (!samePosition(position, feed.position())) return;
      // One too large for the cache is not kept.
      const isCached = resolutions.set(digest, resolution, {
        owner: resolution.cacheOwner,
        bytes: resolution.bytes,
      });
      if (isCached) index.add(resolution.lineage, digest);
    },
  };
}
