import type { Uid } from "../domain/uid.ts";
import type { Position, Revocations, Store } from "../store/store.ts";

/** A revocation log as over a network: what is asked is answered when the test says so, from the state at that moment or before. */
export interface LateLog extends Pick<Store, "position" | "revocationsSince"> {
  /** Where the log ends by now. */
  now(): Position;
  revoke(uid: Uid): void;
  /** The log gets another id, as after a restore; its positions start again. */
  replace(id: string): void;
  /** Hands over the answer to the question that was asked first. */
  answerOne(): Promise<void>;
  /** Hands over the answer to the question that was asked last. */
  answerNewest(): Promise<void>;
  /** Hands over all answers, and those to the questions that follow from them. */
  answerAll(): Promise<void>;
  /** Fails the question that was asked first. */
  fail(error: Error): Promise<void>;
}

interface Question {
  answer(): void;
  fail(error: Error): void;
}

/** An answer is of the moment at which its question was asked: it is late, not fresh. */
export function logOf(): LateLog {
  let id = "a log";
  let uids: Uid[] = [];
  const open: Question[] = [];

  const now = (): Position => ({ log: id, sequence: BigInt(uids.length) });
  const late = <T>(value: T): Promise<T> =>
    new Promise((resolve, reject) => {
      open.push({ answer: () => resolve(value), fail: reject });
    });
  const since = (position: Position): Revocations => {
    const isKnown = position.log === id && position.sequence <= BigInt(uids.length);
    const missed = isKnown ? new Set(uids.slice(Number(position.sequence))) : "everything";
    return { position: now(), uids: missed };
  };
  return {
    now,
    position: () => late(now()),
    revocationsSince: (position) => late(since(position)),
    revoke: (uid) => void uids.push(uid),
    replace(other) {
      id = other;
      uids = [];
    },
    async answerOne() {
      open.shift()?.answer();
      await settled();
    },
    async answerNewest() {
      open.pop()?.answer();
      await settled();
    },
    async answerAll() {
      while (open.length > 0) {
        open.splice(0).forEach((question) => question.answer());
        await settled();
      }
    },
    async fail(error) {
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
