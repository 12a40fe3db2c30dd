import { expect, test } from "vitest";
import type { Uid } from "../../domain/uid.ts";
import { parseUid } from "../../domain/uid.ts";
import type { CountRef } from "./count-ref.ts";
import { countText } from "./count-ref.ts";
import { nameText, parseLoadedRows } from "./loaded-rows.ts";
import { areLocked, lockStatements } from "./lock-statements.ts";
import type { RowLocks } from "./row-locks.ts";
import { NO_LOCKS } from "./row-locks.ts";
import type { Row } from "./sql-values.ts";

const [A, B] = ["a", "b"].map((digit) => parseUid(digit.repeat(32))) as [Uid, Uid];
const COUNT: CountRef = { uid: A, kind: 2 };
const NAME = { owner: A, name: "m" };
const NAME_BYTES = Buffer.from(NAME.name);

const LOCKS: RowLocks = {
  counts: new Map([[countText(COUNT), COUNT]]),
  names: new Map([[nameText(NAME), NAME]]),
  changed: new Set([A]),
  pointedTo: new Set([B]),
};

/** All rows that are to be locked, as they are loaded; without a body they are not there. */
const loadedRows = (body: Buffer | null): readonly Row[] => [
  { type: "head", id: A, number: "0", body: null },
  { type: "count", id: A, number: "2", body },
  { type: "name", id: A, key: NAME_BYTES, body },
  { type: "record", id: A, body },
  { type: "record", id: B, body },
];
const LOCKED: readonly Row[] = [
  { type: "count", id: A, number: 2 },
  { type: "name", id: A, key: NAME_BYTES },
  { type: "record", id: A },
  { type: "record", id: B },
];

test("a row that was inserted between the locks and the load is not locked, whichever table it is in", () => {
  const loaded = parseLoadedRows(loadedRows(Buffer.alloc(1)));
  expect(areLocked(LOCKS, LOCKED, loaded)).toBe(true);
  for (const missing of LOCKED.keys())
    expect(areLocked(LOCKS, LOCKED.toSpliced(missing, 1), loaded)).toBe(false);
});

test("a row that is not there needs no lock: its insert fails if another write was faster", () => {
  const absent = parseLoadedRows(loadedRows(null));
  expect(areLocked(LOCKS, [], absent)).toBe(true);
});

test("locks are taken in one order: counts, names, records; and a write that changes a record locks no other for sharing", () => {
  const tables = lockStatements(LOCKS).map(({ text }) => /membrane\.\w+/.exec(text)?.[0]);
  expect(tables).toEqual(["membrane.count", "membrane.name", "membrane.record"]);
  expect(lockStatements(LOCKS).at(-1)?.text).toMatch(/FOR UPDATE$/);
  expect(lockStatements({ ...LOCKS, changed: new Set() }).at(-1)?.text).toMatch(/FOR SHARE$/);
  expect(lockStatements(NO_LOCKS)).toEqual([]);
});
