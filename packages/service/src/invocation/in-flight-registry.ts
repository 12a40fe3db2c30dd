import { SwapRemoveList } from "../collections/swap-remove-list.ts";
import type { Indexed } from "../collections/swap-remove-list.ts";
import { LazyMap } from "../collections/lazy-map.ts";
import type { Uid } from "../domain/uid.ts";
import { createLineageIndex } from "../store/lineage-index.ts";
import type { RevocationFeed } from "../store/revocation-feed.ts";

/** A request with a resolved capability, until it has ended. */
export interface InFlightRequest {
  /** Whether something in its lineage was revoked since: nothing more may pass, in either direction. */
  readonly isRevoked: boolean;
  /** Calls `listener` once, when the request is revoked. */
  onRevoke(listener: () => void): void;
  /** Calls `release` once, when the request is finished. */
  onFinish(release: () => void): void;
  finishInvocation(): void;
}

/** The requests in flight, so that a revoke ends them. */
export interface InFlightRegistry {
  /** Call it in the same turn in which the capability was resolved: a revoke between the two would be missed. */
  register(lineage: ReadonlySet<Uid>): InFlightRequest;
  readonly size: number;
  /** Revokes all of them. */
  revokeAll(): void;
}

/**
 * Groups requests by their lineage, which is the same object for each use of a cached resolution. Indexing the lineage once
 * for each request would cost more than the rest of resolving it.
 */
export function createInFlightRegistry(feed: RevocationFeed): InFlightRegistry {
  const index = createLineageIndex<InFlightGroup>();
  const groups = new LazyMap<ReadonlySet<Uid>, InFlightGroup>({
    create(lineage) {
      const group: InFlightGroup = { requests: new SwapRemoveList() };
      index.add(lineage, group);
      return group;
    },
    isIdle: ({ requests }) => requests.size === 0,
    onEvict: (lineage, group) => index.remove(lineage, group),
  });
  let size = 0;

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
    register(lineage) {
      size += 1;
      return new RegisteredRequest(groups.get(lineage), onFinished);
    },
    get size() {
      return size;
    },
    revokeAll: () => revoke("everything"),
  };
}

/** The requests of one resolution. */
interface InFlightGroup {
  readonly requests: SwapRemoveList<RegisteredRequest>;
}

class RegisteredRequest implements InFlightRequest, Indexed {
  index = -1;
  isRevoked = false;
  readonly #group: InFlightGroup;
  readonly #onFinished: () => void;
  #listener: (() => void) | undefined;
  #releases: readonly (() => void)[] = NONE;

  constructor(group: InFlightGroup, onFinished: () => void) {
    this.#group = group;
    this.#onFinished = onFinished;
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
