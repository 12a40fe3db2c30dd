import type { Uid } from "../../service/src/domain/uid.ts";
import type { Position, RevocationSource, Revocations } from "../../service/src/store/revocation-source.ts";
import { samePosition } from "../../service/src/store/revocation-source.ts";

/** A revocation log whose position is known at once. */
export interface ImmediateLog {
  position(): Position;
  revocationsSince(position: Position): Revocations;
}

/** A revocation log as over a network: a forgotten position is known only after a read, whose result the test releases. */
export interface DelayedSource extends RevocationSource {
  /** Makes the position unknown until the next read has its result, as when a lease expires. */
  forget(): void;
  /** How many reads have no result yet. */
  pendingReads(): number;
  /** Releases the result of the oldest read, with the state at the time of the read. */
  respondToFirst(): Promise<void>;
  /** Releases the result of the newest read. */
  respondToLast(): Promise<void>;
  /** Releases the results of all reads, and of those that follow. */
  respondToAll(): Promise<void>;
  /** Fails the oldest read. */
  failFirst(error: Error): Promise<void>;
}

/** A {@link DelayedSource} over a log in memory. */
export interface DelayedLog extends DelayedSource {
  /** The end of the log. */
  now(): Position;
  revoke(uid: Uid): void;
  /** Gives the log another id, as after a restore; its positions start again. */
  replace(id: string): void;
}

interface PendingRead {
  respond(): void;
  fail(error: Error): void;
}

/** Delays reads of `log`. A position that the log has passed is unknown, since a revoke waits for its readers. */
export function delayLog(log: ImmediateLog): DelayedSource {
  let known: Position | undefined = log.position();
  let lastSent = 0;
  let lastApplied = 0;
  const reads: PendingRead[] = [];

  const position = (): Position | undefined =>
    known !== undefined && samePosition(known, log.position()) ? known : undefined;
  const read = async (): Promise<void> => {
    lastSent += 1;
    const order = lastSent;
    const state = log.position();
    await new Promise<void>((resolve, reject) => {
      reads.push({ respond: resolve, fail: reject });
    });
    // A result that a later one has overtaken has no new information.
    if (order < lastApplied) return;
    lastApplied = order;
    known = state;
  };
  return {
    position,
    positionMaxAgeMs: 500,
    revocationsSince: (from) => log.revocationsSince(from),
    async refresh() {
      do await read();
      while (position() === undefined);
    },
    forget() {
      known = undefined;
    },
    pendingReads: () => reads.length,
    async respondToFirst() {
      reads.shift()?.respond();
      await settled();
    },
    async respondToLast() {
      reads.pop()?.respond();
      await settled();
    },
    async respondToAll() {
      while (reads.length > 0) {
        reads.splice(0).forEach((pending) => pending.respond());
        await settled();
      }
    },
    async failFirst(error) {
      reads.shift()?.fail(error);
      await settled();
    },
  };
}

export function createDelayedLog(): DelayedLog {
  let id = "a log";
  let uids: Uid[] = [];
  const now = (): Position => ({ log: id, sequence: BigInt(uids.length) });
  const revocationsSince = (position: Position): Revocations => {
    const isKnown = position.log === id && position.sequence <= BigInt(uids.length);
    const missed = isKnown ? new Set(uids.slice(Number(position.sequence))) : "everything";
    return { position: now(), uids: missed };
  };
  return {
    ...delayLog({ position: now, revocationsSince }),
    now,
    revoke: (uid) => void uids.push(uid),
    replace(other) {
      id = other;
      uids = [];
    },
  };
}

/** Resolves when all effects of a result have happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
