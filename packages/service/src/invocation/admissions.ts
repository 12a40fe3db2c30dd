import type { Uid } from "../domain/uid.ts";
import { createLineageIndex } from "../store/lineage-index.ts";
import type { RevocationFeed } from "../store/revocation-feed.ts";

/** A request that was let through, until it has ended. */
export interface Admission {
  /** Something of its lineage was revoked since: nothing more may pass, in either direction. */
  readonly isRevoked: boolean;
  /** `listener` is called once, when it is revoked. */
  onRevoke(listener: () => void): void;
  leave(): void;
}

/** The requests under way, so that a revoke ends them. */
export interface Admissions {
  /** Must be called in the very turn in which the verdict was found to hold, or a revoke could pass between the two. */
  admit(lineage: ReadonlySet<Uid>): Admission;
  readonly size: number;
  /** Ends all of them. */
  revokeAll(): void;
}

export function createAdmissions(feed: RevocationFeed): Admissions {
  const index = createLineageIndex<Guest>();
  let size = 0;
  feed.listen((revoked) => {
    for (const guest of index.dependentsOf(revoked)) guest.revoke();
  });
  return {
    admit(lineage) {
      const guest = new Guest(() => {
        index.remove(lineage, guest);
        size -= 1;
      });
      index.add(lineage, guest);
      size += 1;
      return guest;
    },
    get size() {
      return size;
    },
    revokeAll() {
      for (const guest of index.dependentsOf("everything")) guest.revoke();
    },
  };
}

class Guest implements Admission {
  isRevoked = false;
  readonly #left: () => void;
  #listener: (() => void) | undefined;
  #hasLeft = false;

  constructor(left: () => void) {
    this.#left = left;
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

  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#left();
  }
}
