import { expect, test } from "vitest";
import type { Uid } from "../../../domain/uid.ts";
import { parseUid } from "../../../domain/uid.ts";
import type { LogEntry } from "../../lease/statements.ts";
import { createAppliedLog } from "./applied-log.ts";

const GENESIS = { position: 0n, tag: "t0" };

function uidOf(number: number): Uid {
  return parseUid(number.toString(16).padStart(32, "0"));
}

/** Entries `first` to `last` of a log. */
function entries(first: number, last: number): LogEntry[] {
  return Array.from({ length: last - first + 1 }, (_, index) => {
    const number = first + index;
    return { position: BigInt(number), tag: `t${number}`, uid: uidOf(number) };
  });
}

test("a reader gets what was applied since its position, and the end of the log is the same object until more is", () => {
  const log = createAppliedLog();
  expect(log.end()).toBeUndefined();
  log.restart(GENESIS);
  const start = log.end()!;
  expect(log.since(start)).toEqual({ position: start, uids: new Set() });
  log.apply(entries(1, 2));
  log.apply(entries(3, 3));
  const end = log.end()!;
  expect(end).toEqual({ log: "t3", sequence: 3n });
  expect(log.end()).toBe(end);
  expect(log.since(start)).toEqual({ position: end, uids: new Set([1, 2, 3].map(uidOf)) });
  expect(log.since({ log: "t2", sequence: 2n }).uids).toEqual(new Set([uidOf(3)]));
});

test("a position that was not applied makes everything void: another entry of its number, an earlier or a later one", () => {
  const log = createAppliedLog();
  log.restart({ position: 5n, tag: "t5" });
  log.apply(entries(6, 7));
  for (const position of [
    { log: "other", sequence: 6n },
    { log: "t4", sequence: 4n },
    { log: "t8", sequence: 8n },
    { log: "t0", sequence: 10n ** 30n },
  ])
    expect(log.since(position)).toEqual({ position: { log: "t7", sequence: 7n }, uids: "everything" });
  log.restart({ position: 6n, tag: "new" });
  expect(log.since({ log: "t6", sequence: 6n }).uids).toBe("everything");
});

test("the last 10,000 entries are kept, and not more than twice as many", () => {
  const log = createAppliedLog();
  log.restart(GENESIS);
  for (let first = 1; first < 30_000; first += 1_000) log.apply(entries(first, first + 999));
  const missed = (sequence: number) => log.since({ log: `t${sequence}`, sequence: BigInt(sequence) }).uids;
  expect(missed(20_001)).toHaveLength(9_999);
  expect(missed(9_999)).toBe("everything");
});
