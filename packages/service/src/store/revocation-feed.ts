import type { Uid } from "../domain/uid.ts";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import type { Position, Revocations, Store } from "./store.ts";
import { samePosition } from "./store.ts";

/** Told what was revoked since it was told last; `everything`: nothing known before holds any more. */
export type RevocationListener = (revoked: ReadonlySet<Uid> | "everything") => void;

/** Follows the revocation log. Whoever asks {@link advance} first knows of every revoke that was answered before it asked. */
export interface RevocationFeed {
  /** Up to where the listeners know the log. */
  position(): Position;
  advance(): MaybePromise<void>;
  /** @returns how to stop listening. */
  listen(listener: RevocationListener): () => void;
}

export async function createRevocationFeed(
  store: Pick<Store, "position" | "revocationsSince">,
): Promise<RevocationFeed> {
  let current = await store.position();
  const listeners = new Set<RevocationListener>();

  const apply = (from: Position, revocations: Revocations): MaybePromise<void> => {
    // Somebody else moved on while the tail was read: what it says is told already, or must be asked from there.
    if (!samePosition(from, current)) return advance();
    for (const listener of listeners) listener(revocations.uids);
    // Only now: should a listener fail, nobody is told that all is well.
    current = revocations.position;
  };
  const catchUp = (position: Position): MaybePromise<void> => {
    if (samePosition(position, current)) return;
    const from = current;
    const tail = store.revocationsSince(from);
    return tail instanceof Promise ? tail.then((late) => apply(from, late)) : apply(from, tail);
  };
  const advance = (): MaybePromise<void> => {
    const position = store.position();
    return position instanceof Promise ? position.then(catchUp) : catchUp(position);
  };

  return {
    position: () => current,
    advance,
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
