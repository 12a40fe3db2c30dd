import type { Uid } from "../../service/src/domain/uid.ts";
import type { Position, Revocations, Store } from "../../service/src/store/store.ts";

/** A revocation log as over a network: what is asked is answered when the test says so, from the state at that moment or before. */
export interface DelayedLog extends Pick<Store, "position" | "revocationsSince"> {
  /** Where the log ends by now. */
  now(): Position;
  revoke(uid: Uid): void;
  /** The log gets another id, as after a restore; its positions start again. */
  replace(id: string): void;
  /** Hands over the answer to the question that was asked first. */
  respondToFirst(): Promise<void>;
  /** Hands over the answer to the question that was asked last. */
  respondToLast(): Promise<void>;
  /** Hands over all answers, and those to the questions that follow from them. */
  respondToAll(): Promise<void>;
  /** Fails the question that was asked first. */
  failFirst(error: Error): Promise<void>;
}

interface PendingRead {
  respond(): void;
  fail(error: Error): void;
}

/** An answer is of the moment at which its question was asked: it is late, not fresh. */
export function createDelayedLog(): DelayedLog {
  let id = "a log";
  let uids: Uid[] = [];
  const open: PendingRead[] = [];

  const now = (): Position => ({ log: id, sequence: BigInt(uids.length) });
  const delayed = <T>(value: T): Promise<T> =>
    new Promise((resolve, reject) => {
      open.push({ respond: () => resolve(value), fail: reject });
    });
  const since = (position: Position): Revocations => {
    const isKnown = position.log === id && position.sequence <= BigInt(uids.length);
    const missed = isKnown ? new Set(uids.slice(Number(position.sequence))) : "everything";
    return { position: now(), uids: missed };
  };
  return {
    now,
    position: () => delayed(now()),
    revocationsSince: (position) => delayed(since(position)),
    revoke: (uid) => void uids.push(uid),
    replace(other) {
      id = other;
      uids = [];
    },
    async respondToFirst() {
      open.shift()?.respond();
      await settled();
    },
    async respondToLast() {
      open.pop()?.respond();
      await settled();
    },
    async respondToAll() {
      while (open.length > 0) {
        open.splice(0).forEach((question) => question.respond());
        await settled();
      }
    },
    async failFirst(error) {
      open.shift()?.fail(error);
      await settled();
    },
  };
}

/** All that follows from the answers has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
