import { SwapRemoveList } from "../collections/swap-remove-list.ts";
import type { Indexed } from "../collections/swap-remove-list.ts";
import { LazyMap } from "../collections/lazy-map.ts";
import type { Uid } from "../domain/uid.ts";
import { createLineageIndex } from "../store/lineage-index.ts";
import type { RevocationFeed } from "../store/revocation-feed.ts";

/** A request with a resolved capability, until it has ended. */
export interface InFlightRequest {
  /** Whether something in its lineage was revoked or has expired since: nothing more may pass, in either direction. */
  readonly isRevoked: boolean;
  /** Revokes it if its capability has expired: the watcher may not have looked yet. */
  checkExpiry(): void;
  /** Calls `listener` once, when the request is revoked. */
  onRevoke(listener: () => void): void;
  /** Calls `release` once, when the request is finished. */
  onFinish(release: () => void): void;
  finishInvocation(): void;
}

/** The requests in flight, so that a revoke or an expiry ends them. */
export interface InFlightRegistry {
  /**
   * Call it in the same turn in which the capability was resolved: a revoke between the two would be missed.
   *
   * @param expiresAt the earliest expiry in the lineage, in milliseconds since 1970.
   */
  register(lineage: ReadonlySet<Uid>, expiresAt?: number): InFlightRequest;
  readonly size: number;
  /** Revokes those whose capability has expired. */
  revokeExpired(): void;
  /** Revokes all of them. */
  revokeAll(): void;
}

/**
 * Groups requests by their lineage, which is the same object for each use of a cached resolution. Indexing the lineage once
 * for each request would cost more than the rest of resolving it.
 */
export function createInFlightRegistry(feed: RevocationFeed, now: () => number): InFlightRegistry {
  const index = createLineageIndex<InFlightGroup>();
  const groups = new LazyMap<ReadonlySet<Uid>, InFlightGroup>({
    create(lineage) {
      const group: InFlightGroup = { requests: new SwapRemoveList(), expiresAt: undefined };
      index.add(lineage, group);
      return group;
    },
    isIdle: ({ requests }) => requests.size === 0,
    onEvict: (lineage, group) => index.remove(lineage, group),
  });
  const expiring = new Set<InFlightGroup>();
  let size = 0;

  const isExpired = ({ expiresAt }: InFlightGroup): boolean => expiresAt !== undefined && expiresAt <= now();
  const revoke = (revoked: ReadonlySet<Uid> | "everything"): void => {
    for (const group of index.dependentsOf(revoked)) {
      group.requests.forEach((request) => request.revoke());
    }
  };
  const onFinished = (): void => {
    size -= 1;
  };

  feed.listen(revoke);
  return {
    register(lineage, expiresAt) {
      size += 1;
      const group = groups.get(lineage);
      if (expiresAt !== undefined) {
        group.expiresAt = expiresAt;
        expiring.add(group);
      }
      return new RegisteredRequest(group, onFinished, isExpired);
    },
    get size() {
      return size;
    },
    revokeExpired() {
      for (const group of expiring) {
        if (isExpired(group)) group.requests.forEach((request) => request.revoke());
        else if (group.requests.size > 0) continue;
        expiring.delete(group);
      }
    },
    revokeAll: () => revoke("everything"),
  };
}

/** The requests of one resolution. */
interface InFlightGroup {
  readonly requests: SwapRemoveList<RegisteredRequest>;
  expiresAt: number | undefined;
}

class RegisteredRequest implements InFlightRequest, Indexed {
  index = -1;
  isRevoked = false;
  readonly #group: InFlightGroup;
  readonly #onFinished: () => void;
  readonly #isExpired: (group: InFlightGroup) => boolean;
  #listener: (() => void) | undefined;
  #releases: readonly (() => void)[] = NONE;

  constructor(group: InFlightGroup, onFinished: () => void, isExpired: (group: InFlightGroup) => boolean) {
    this.#group = group;
    this.#onFinished = onFinished;
    this.#isExpired = isExpired;
    group.requests.add(this);
  }

  onRevoke(listener: () => void): void {
    this.#listener = listener;
    if (this.isRevoked) listener();
  }

  revoke(): void {
    if (this.isRevoked) return;
    this.isRevoked = true;
    this.#listener?.();
  }

  checkExpiry(): void {
    if (this.#isExpired(this.#group)) this.revoke();
  }

  onFinish(release: () => void): void {
    this.#releases = [...this.#releases, release];
  }

  finishInvocation(): void {
    if (!this.#group.requests.delete(this)) return;
    this.#onFinished();
    for (const release of this.#releases) release();
  }
}

const NONE: readonly (() => void)[] = [];
