import { SwapRemoveList } from "../collections/swap-remove-list.ts";
import type { Indexed } from "../collections/swap-remove-list.ts";
import { LazyMap } from "../collections/lazy-map.ts";
import type { Uid } from "../domain/uid.ts";
import { createLineageIndex } from "../store/lineage-index.ts";
import type { RevocationFeed } from "../store/revocation-feed.ts";

/** A request that was let through, until it has ended. */
export interface InFlightRequest {
  /** Something of its lineage was revoked since: nothing more may pass, in either direction. */
  readonly isRevoked: boolean;
  /** `listener` is called once, when it is revoked. */
  onRevoke(listener: () => void): void;
  /** `release` is called once, when it leaves: gives back what was taken for it. */
  onFinish(release: () => void): void;
  finishInvocation(): void;
}

/** The requests under way, so that a revoke ends them. */
export interface InFlightRegistry {
  /** Must be called in the very turn in which the verdict was found to hold, or a revoke could pass between the two. */
  register(lineage: ReadonlySet<Uid>): InFlightRequest;
  readonly size: number;
  /** Ends all of them. */
  revokeAll(): void;
}

/**
 * A verdict that is used again and again hands over the same lineage each time: its guests are one party, which is found by
 * what the lineage names. Entered for each request instead, a lineage would cost more than all else that is asked of it.
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

/** All that were let through on the strength of one verdict. */
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
