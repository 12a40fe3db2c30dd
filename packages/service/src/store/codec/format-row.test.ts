import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { FileKey } from "../keys.ts";
import { checkValueOf, createKeyring, createServiceKeys, keyId } from "../keys.ts";
import { StoreCorruptError } from "../store.ts";
import { encodeRow } from "./authenticated-row.ts";
import { decodeColumns } from "./columns.ts";
import type { StoreFormat } from "./format-row.ts";
import {
  FORMAT_KEY,
  formatColumns,
  keysOfStore,
  OtherServiceKeyError,
  parseFormatRow,
  RetiredServiceKeyError,
} from "./format-row.ts";

/** The newest first, as a store names them. */
const SERVICE_KEYS = [3, 2, 1].map((byte) => Buffer.alloc(32, byte));
const KEYRING = createKeyring(linesOf(SERVICE_KEYS.toReversed()));

/** A service key file. @param retired which of its lines are marked, from 1. */
function linesOf(serviceKeys: readonly Buffer[], retired: readonly number[] = []): readonly FileKey[] {
  return serviceKeys.map((serviceKey, at) => ({ serviceKey, isRetired: retired.includes(at + 1) }));
}

function named(versions: readonly number[]): StoreFormat["keys"] {
  return versions.map((keyVersion, at) => ({ keyVersion, checkValue: checkValueOf(SERVICE_KEYS[at]!) }));
}

function encode(format: StoreFormat, keys = keysOfStore(KEYRING, format)): Buffer {
  return encodeRow("meta", FORMAT_KEY, formatColumns(format), keys);
}

const hex = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString("hex"));
const format: fc.Arbitrary<StoreFormat> = fc
  .record({
    storeId: hex,
    keys: fc
      .uniqueArray(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 3 })
      .map((versions) => named(versions.toSorted((a, b) => b - a))),
    arrival: fc.option(hex, { nil: undefined }),
    end: fc.oneof(
      fc.constant({}),
      fc.constant({ isReserved: true as const }),
      fc.record({ departure: fc.record({ move: hex, to: fc.string(), isComplete: fc.boolean() }) }),
    ),
  })
  .map(({ arrival, end, ...rest }) => Object.assign(rest, arrival === undefined ? {} : { arrival }, end));

test("what is read is what was written: moved or not, with one key or several", () => {
  fc.assert(
    fc.property(format, (written) => {
      expect(parseFormatRow(encode(written), KEYRING)).toEqual(written);
    }),
  );
});

test("a store whose key was never rotated is as an older program wrote it, and every other has a layout that it refuses", () => {
  const layoutOf = (versions: readonly number[]): number =>
    formatColumns({ storeId: "00".repeat(16), keys: named(versions) })[0]![0]!;
  expect(layoutOf([1])).toBe(2);
  for (const versions of [[2, 1], [2], [3, 2, 1]]) expect(layoutOf(versions)).toBe(4);
  expect(formatColumns({ storeId: "ab".repeat(16), keys: named([1]) })).toEqual([
    Buffer.from([2]),
    checkValueOf(SERVICE_KEYS[0]!),
    Buffer.alloc(16, 0xab),
  ]);
});

test("the newest key that is missing is named by its number and its id, wherever the others are in the file", () => {
  const written = { storeId: "00".repeat(16), keys: named([7, 5, 1]) };
  const row = encode(written);
  for (const [missing, version] of [7, 5, 1].entries()) {
    const others = SERVICE_KEYS.filter((_key, at) => at !== missing);
    for (const order of [others, others.toReversed()]) {
      const keys = createKeyring(linesOf([randomBytes(32), ...order]));
      const read = () => keysOfStore(keys, parseFormatRow(row, keys));
      expect(read).toThrow(OtherServiceKeyError);
      expect(read).toThrow(`needs the service key ${version} (${keyId(written.keys[missing]!)})`);
    }
  }
  const keys = createKeyring(
    linesOf([SERVICE_KEYS[1]!, randomBytes(32), SERVICE_KEYS[0]!, SERVICE_KEYS[2]!]),
  );
  const found = keysOfStore(keys, parseFormatRow(row, keys));
  expect([found, ...found.older].map(({ keyVersion }) => keyVersion)).toEqual([7, 5, 1]);
});

test("a list of keys that was changed does not read, even by who has an older key", () => {
  const written = { storeId: "00".repeat(16), keys: named([2, 1]) };
  const row = encode(written);
  for (const at of row.keys()) {
    const changed = Buffer.from(row);
    changed[at]! ^= 1;
    expect(() => parseFormatRow(changed, KEYRING)).toThrow();
  }
  // Written with the key that was rotated away.
  const old = createServiceKeys(SERVICE_KEYS[1]!);
  expect(() => parseFormatRow(encode(written, old), KEYRING)).toThrow(StoreCorruptError);
  expect(decodeColumns(row.subarray(0, -32))[0]).toEqual(Buffer.from([4]));
});

test("a store is refused whose rows are under a retired key, whatever its format row says, and the message has the line and what to do", () => {
  const [, old, oldest] = SERVICE_KEYS;
  const lines = SERVICE_KEYS.toReversed();
  for (const keys of [
    [{ keyVersion: 2, checkValue: checkValueOf(old!) }],
    [
      { keyVersion: 2, checkValue: checkValueOf(old!) },
      { keyVersion: 1, checkValue: checkValueOf(oldest!) },
    ],
    // Puts the key in use after the one that has signed the row.
    [{ keyVersion: 3, checkValue: checkValueOf(old!) }, ...named([2])],
    // As a store that was never rotated.
    [{ keyVersion: 1, checkValue: checkValueOf(old!) }],
  ]) {
    const row = encode({ storeId: "00".repeat(16), keys }, createServiceKeys(old!));
    const id = keyId({ checkValue: checkValueOf(old!) });
    for (const retired of [[2], [1, 2]]) {
      const read = () => parseFormatRow(row, createKeyring(linesOf(lines, retired)));
      expect(read).toThrow(RetiredServiceKeyError);
      expect(read).toThrow(
        `under the service key ${keys[0]!.keyVersion} (${id}), which line 2 of the service key file marks as retired`,
      );
      expect(read).toThrow(/remove the word "retired" from that line, and run "membrane key rotate"/);
    }
    // The same file without the mark accepts it.
    expect(parseFormatRow(row, createKeyring(linesOf(lines, [1]))).keys).toEqual(keys);
  }
});

test("retired keys find older tokens, and the lines before the key in use that are not marked are known by their numbers", () => {
  const written = { storeId: "00".repeat(16), keys: named([7, 5, 1]) };
  const row = encode(written);
  const lines = SERVICE_KEYS.toReversed();
  for (const [retired, left] of [
    [[], [1, 2]],
    [[2], [1]],
    [[1, 2], []],
  ] as const) {
    const keys = createKeyring(linesOf(lines, retired));
    const found = keysOfStore(keys, parseFormatRow(row, keys));
    expect([found, ...found.older].map(({ keyVersion }) => keyVersion)).toEqual([7, 5, 1]);
    expect(found.unretiredLines).toEqual(left);
    expect(found.hasNewerLine).toBe(false);
  }
  // A key after the one in use is for a rotation to come.
  const next = createKeyring(linesOf([...lines, randomBytes(32)], [1]));
  expect(keysOfStore(next, written)).toMatchObject({ unretiredLines: [2], hasNewerLine: true });
  expect(() => createKeyring(linesOf(lines, [3]))).toThrow(RangeError);
});
