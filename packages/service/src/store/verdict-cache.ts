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
  readonly maker: string;
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
 * Evicts the least recently used verdicts of the tenant that has most, so that a tenant with too many slows only itself down.
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
  const verdicts = new FairLru<string, T>({ entries: capacity, bytes: capacityBytes }, (verdict, digest) =>
    index.remove(verdict.lineage, digest),
  );
  feed.listen((revoked) => {
    for (const digest of index.dependentsOf(revoked)) verdicts.delete(digest);
  });
  return {
    get: (digest) => verdicts.get(digest),
    put(digest, verdict, position) {
      if (!samePosition(position, feed.position())) return;
      // One too large for the cache is not kept.
      const isKept = verdicts.set(digest, verdict, { owner: verdict.maker, bytes: verdict.bytes });
      if (isKept) index.add(verdict.lineage, digest);
    },
  };
}
