import type { MaybePromise } from "../collections/maybe-promise.ts";
import type { Uid } from "../domain/uid.ts";
import type { Position, RevocationSource } from "./revocation-source.ts";
import { StoreBusyError } from "./store.ts";
import { samePosition } from "./revocation-source.ts";

/** Called with what was revoked since the last call; `everything`: no earlier resolution is valid. */
export type RevocationListener = (revoked: ReadonlySet<Uid> | "everything") => void;

/** Follows the revocation log and passes on what it says. */
export interface RevocationFeed {
  /** The position up to which the listeners were called. */
  position(): Position;
  /**
   * Calls the listeners for every revoke that was acknowledged before this call.
   *
   * @returns false if the store does not know the log at this moment: nothing may pass.
   */
  advance(): boolean;
  /**
   * The same, but waits until the store knows the log.
   *
   * @param atLeast where the log ended in a snapshot that was read. It is waited for, too.
   * @throws StoreBusyError if it does not know it in time.
   */
  refresh(atLeast?: Position): MaybePromise<void>;
  /**
   * Whether what was read holds: nothing in `lineage` was revoked since. Call {@link advance} first, in the same turn. If not, it
   * has to be read again.
   *
   * @param readAt where the log ended in the snapshot that it was read in.
   */
  holds(readAt: Position, lineage: Iterable<Uid>): boolean;
  /** @returns a function that removes the listener. */
  listen(listener: RevocationListener): () => void;
}

export async function createRevocationFeed(source: RevocationSource): Promise<RevocationFeed> {
  let current = await firstPosition(source);
  const listeners = new Set<RevocationListener>();

  const advance = (): boolean => {
    const position = source.position();
    if (position === undefined) return false;
    if (samePosition(position, current)) return true;
    const revocations = source.revocationsSince(current);
    for (const listener of listeners) listener(revocations.uids);
    // Last: if a listener throws, the next call starts from the same position again.
    current = revocations.position;
    return true;
  };
  const wait = async (atLeast?: Position): Promise<void> => {
    await source.refresh(atLeast);
    if (!advance()) throw unknownPosition();
  };
  const hasReached = (position: Position | undefined): boolean =>
    position === undefined || position.sequence <= current.sequence;

  return {
    position: () => current,
    advance,
    refresh: (atLeast) => (advance() && hasReached(atLeast) ? undefined : wait(atLeast)),
    holds(readAt, lineage) {
      if (samePosition(readAt, current)) return true;
      // A snapshot ahead of what was applied may be of another log that has the same numbers.
      if (!hasReached(readAt)) return false;
      const { uids } = source.revocationsSince(readAt);
      return uids !== "everything" && isDisjoint(lineage, uids);
    },
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function isDisjoint(lineage: Iterable<Uid>, revoked: ReadonlySet<Uid>): boolean {
  for (const uid of lineage) if (revoked.has(uid)) return false;
  return true;
}

async function firstPosition(source: RevocationSource): Promise<Position> {
  const known = source.position();
  if (known !== undefined) return known;
  await source.refresh();
  const position = source.position();
  if (position === undefined) throw unknownPosition();
  return position;
}

function unknownPosition(): StoreBusyError {
  return new StoreBusyError("the position of the revocation log is not known");
}
