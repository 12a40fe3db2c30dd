import { Roster } from "../domain/roster.ts";
import type { Enrolled } from "../domain/roster.ts";
import { Standing } from "../domain/standing.ts";
import type { Uid } from "../domain/uid.ts";
import { createLineageIndex } from "../store/lineage-index.ts";
import type { RevocationFeed } from "../store/revocation-feed.ts";

/** A request that was let through, until it has ended. */
export interface Admission {
  /** Something of its lineage was revoked since: nothing more may pass, in either direction. */
  readonly isRevoked: boolean;
  /** `listener` is called once, when it is revoked. */
  onRevoke(listener: () => void): void;
  /** `release` is called once, when it leaves: gives back what was taken for it. */
  onLeave(release: () => void): void;
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

/**
 * A verdict that is used again and again hands over the same lineage each time: its guests are one party, which is found by
 * what the lineage names. Entered for each request instead, a lineage would cost more than all else that is asked of it.
 */
export function createAdmissions(feed: RevocationFeed): Admissions {
  const index = createLineageIndex<Party>();
  const parties = new Standing<ReadonlySet<Uid>, Party>({
    make(lineage) {
      const party: Party = { guests: new Roster() };
      index.add(lineage, party);
      return party;
    },
    isIdle: ({ guests }) => guests.size === 0,
    dropped: (lineage, party) => index.remove(lineage, party),
  });
  let size = 0;

  const revoke = (revoked: ReadonlySet<Uid> | "everything"): void => {
    for (const party of index.dependentsOf(revoked)) {
      party.guests.forEach((guest) => guest.revoke());
    }
  };
  const left = (): void => {
    size -= 1;
  };

  feed.listen(revoke);
  return {
    admit(lineage) {
      size += 1;
      return new Guest(parties.at(lineage), left);
    },
    get size() {
      return size;
    },
    revokeAll: () => revoke("everything"),
  };
}

/** All that were let through on the strength of one verdict. */
interface Party {
  readonly guests: Roster<Guest>;
}

class Guest implements Admission, Enrolled {
  place = -1;
  isRevoked = false;
  readonly #party: Party;
  readonly #left: () => void;
  #listener: (() => void) | undefined;
  #releases: readonly (() => void)[] = NONE;

  constructor(party: Party, left: () => void) {
    this.#party = party;
    this.#left = left;
    party.guests.add(this);
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

  onLeave(release: () => void): void {
    this.#releases = [...this.#releases, release];
  }

  leave(): void {
    if (!this.#party.guests.delete(this)) return;
    this.#left();
    for (const release of this.#releases) release();
  }
}

const NONE: readonly (() => void)[] = [];
