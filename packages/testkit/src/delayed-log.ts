import type { Uid } from "../../service/src/domain/uid.ts";
import type { Position, RevocationSource, Revocations } from "../../service/src/store/store.ts";
import { samePosition } from "../../service/src/store/store.ts";

/** A revocation log that is known at once. */
export interface ImmediateLog {
  position(): Position;
  revocationsSince(position: Position): Revocations;
}

/** A revocation log as over a network: a position that was forgotten is known after a read, whose answer the test hands over. */
export interface DelayedSource extends RevocationSource {
  /** The position is unknown until the next read is answered, as when a lease has run out. */
  forget(): void;
  /** How many reads are not answered. */
  pendingReads(): number;
  /** Answers the oldest read, with the state at the moment at which it was sent. */
  respondToFirst(): Promise<void>;
  /** Answers the newest read. */
  respondToLast(): Promise<void>;
  /** Answers all reads, and those that follow from the answers. */
  respondToAll(): Promise<void>;
  /** Fails the oldest read. */
  failFirst(error: Error): Promise<void>;
}

/** A {@link DelayedSource} over a log in memory. */
export interface DelayedLog extends DelayedSource {
  /** Where the log ends. */
  now(): Position;
  revoke(uid: Uid): void;
  /** The log gets another id, as after a restore; its positions start again. */
  replace(id: string): void;
}

interface PendingRead {
  respond(): void;
  fail(error: Error): void;
}

/** Delays what is known of `log`. A position that the log has passed is not known: a revoke waits for its readers. */
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
    // An answer that a later one has overtaken says nothing new.
    if (order < lastApplied) return;
    lastApplied = order;
    known = state;
  };
  return {
    position,
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

/** Resolves when all that follows from an answer has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
