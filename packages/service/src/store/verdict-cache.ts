import { LRUCache } from "lru-cache";
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
}

/**
 * Verdicts by a digest of the token (never the token itself). A revoke drops exactly the verdicts whose lineage it names.
 * Only what works is kept: an unknown token may be minted later.
 */
export interface VerdictCache<T extends Cacheable> {
  /** Ask {@link RevocationFeed.advance} first: then what is found still holds. */
  get(digest: string): T | undefined;
  /**
   * @param position of the snapshot that `verdict` was read in. If the log has moved meanwhile the verdict is not kept:
   *   it may be one that a revoke has just made void.
   */
  put(digest: string, verdict: T, position: Position): void;
}

/**
 * The longest unused go first.
 *
 * @param capacity how many verdicts are kept.
 * @param capacityBytes how much memory they may hold together.
 */
export function createVerdictCache<T extends Cacheable>(
  feed: RevocationFeed,
  capacity: number,
  capacityBytes: number,
): VerdictCache<T> {
  const index = createLineageIndex<string>();
  const verdicts = new LRUCache<string, T>({
    max: capacity,
    maxSize: capacityBytes,
    sizeCalculation: ({ bytes }) => bytes,
    dispose: (verdict, digest) => index.remove(verdict.lineage, digest),
  });
  feed.listen((revoked) => {
    for (const digest of index.dependentsOf(revoked)) verdicts.delete(digest);
  });
  return {
    get: (digest) => verdicts.get(digest),
    put(digest, verdict, position) {
      if (!samePosition(position, feed.position())) return;
      verdicts.set(digest, verdict);
      // One too large for the cache was not kept.
      if (verdicts.has(digest)) index.add(verdict.lineage, digest);
    },
  };
}
