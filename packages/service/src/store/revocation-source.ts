import type { Uid } from "../domain/uid.ts";

/**
 * Where the revocation log ends. `log` is a random id of the log itself: the same number in
 * another store says nothing. Two positions are the same only if both parts are.
 */
export interface Position {
  readonly log: string;
  readonly sequence: bigint;
}

export function samePosition(a: Position, b: Position): boolean {
  return a.sequence === b.sequence && a.log === b.log;
}

/** What was revoked between two positions; `everything` if the earlier one is not known (restored, trimmed, damaged). */
export interface Revocations {
  readonly position: Position;
  readonly uids: ReadonlySet<Uid> | "everything";
}

/**
 * The revocation log as this process knows it. Freshness is a synchronous, local question: it is checked just before the first
 * byte of a request goes upstream, when nothing can wait any more.
 */
export interface RevocationSource {
  /**
   * Where the log ends: every revoke that any process has acknowledged before this call is in it.
   *
   * @returns `undefined` if this process does not know it at this moment.
   */
  position(): Position | undefined;

  /**
   * How long {@link position} may be used after it was asked for, by what passes on a request that was admitted before. In
   * milliseconds; 0: it is asked for each time that something does.
   */
  readonly positionMaxAgeMs: number;

  /** Reads what this process has of the log. Called only after {@link position} has returned one, in the same turn. */
  revocationsSince(position: Position): Revocations;

  /**
   * Resolves once {@link position} is known, with every revoke that was acknowledged before this call.
   *
   * @param atLeast where the log ended in a snapshot that was read. It is waited for, too.
   * @throws StoreBusyError if it is not known in time.
   */
  refresh(atLeast?: Position): Promise<void>;
}
