import fc from "fast-check";
import { LRUCache } from "lru-cache";
import { expect, test } from "vitest";
import { FairLru } from "./fair-lru.ts";

const LIMITS = { entries: 8, bytes: 80 };
const keys = fc.constantFrom(..."abcdefghijkl");

test("with one owner, it keeps the same entries as an LRU cache", () => {
  const step = fc.record({ key: keys, bytes: fc.option(fc.integer({ min: 1, max: 90 })) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const fair = new FairLru<string, number>(LIMITS);
      const lru = new LRUCache<string, { value: number; bytes: number }>({
        max: LIMITS.entries,
        maxSize: LIMITS.bytes,
        sizeCalculation: ({ bytes }) => bytes,
      });
      for (const [value, { key, bytes }] of steps.entries()) {
        if (bytes === null) {
          expect(fair.get(key)).toBe(lru.get(key)?.value);
          continue;
        }
        fair.set(key, value, { owner: "a", bytes });
        lru.set(key, { value, bytes });
        expect(fair.size).toBe(lru.size);
      }
    }),
  );
});

test("an owner that fills the cache evicts its own entries, and none of an owner that has less than half as much", () => {
  const fair = new FairLru<string, number>({ entries: 100, bytes: 10_000 });
  for (let i = 0; i < 20; i += 1) fair.set(`b${i}`, i, { owner: "b", bytes: 10 });
  for (let i = 0; i < 1_000; i += 1) fair.set(`a${i}`, i, { owner: "a", bytes: 10 });
  for (let i = 0; i < 20; i += 1) expect(fair.get(`b${i}`)).toBe(i);
  expect(fair.size).toBe(100);
  expect(fair.get("a999")).toBe(999);
});

test("an owner with a few large entries also evicts its own entries", () => {
  const fair = new FairLru<string, number>({ entries: 1_000, bytes: 1_000 });
  for (let i = 0; i < 20; i += 1) fair.set(`b${i}`, i, { owner: "b", bytes: 10 });
  for (let i = 0; i < 50; i += 1) fair.set(`a${i}`, i, { owner: "a", bytes: 300 });
  for (let i = 0; i < 20; i += 1) expect(fair.get(`b${i}`)).toBe(i);
  expect(fair.get("a49")).toBe(49);
});

test("an owner with many small entries evicts its own entries, and none of an owner with fewer and larger ones", () => {
  const fair = new FairLru<string, number>({ entries: 100, bytes: 10_000 });
  for (let i = 0; i < 10; i += 1) fair.set(`b${i}`, i, { owner: "b", bytes: 200 });
  for (let i = 0; i < 1_000; i += 1) fair.set(`a${i}`, i, { owner: "a", bytes: 1 });
  for (let i = 0; i < 10; i += 1) expect(fair.get(`b${i}`)).toBe(i);
  expect(fair.size).toBe(100);
});

test("an owner that comes later gets its share of a full cache", () => {
  const fair = new FairLru<string, number>({ entries: 64, bytes: 10_000 });
  for (let i = 0; i < 64; i += 1) fair.set(`a${i}`, i, { owner: "a", bytes: 1 });
  for (let i = 0; i < 64; i += 1) fair.set(`b${i}`, i, { owner: "b", bytes: 1 });
  let kept = 0;
  for (let i = 0; i < 64; i += 1) if (fair.get(`b${i}`) !== undefined) kept += 1;
  expect(kept).toBeGreaterThanOrEqual(16);
  expect(kept).toBeLessThanOrEqual(48);
});

test("after any stores, deletes and reads, no limit is exceeded and each evicted value is reported once", () => {
  const step = fc.record({
    key: keys,
    owner: fc.constantFrom("a", "b", "c"),
    bytes: fc.integer({ min: 1, max: 90 }),
    isDeleted: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const kept = new Map<string, { value: number; bytes: number }>();
      const fair = new FairLru<string, number>(LIMITS, (value, key) => {
        expect(kept.get(key)?.value).toBe(value);
        kept.delete(key);
      });
      for (const [value, { key, owner, bytes, isDeleted }] of steps.entries()) {
        if (isDeleted) fair.delete(key);
        else {
          fair.delete(key);
          kept.set(key, { value, bytes });
          if (!fair.set(key, value, { owner, bytes }) && bytes > LIMITS.bytes) kept.delete(key);
        }
        expect(fair.size).toBe(kept.size);
        expect(kept.size).toBeLessThanOrEqual(LIMITS.entries);
        expect([...kept.values()].reduce((sum, entry) => sum + entry.bytes, 0)).toBeLessThanOrEqual(
          LIMITS.bytes,
        );
        for (const [held, entry] of kept) expect(fair.get(held)).toBe(entry.value);
      }
    }),
  );
});
