import fc from "fast-check";
import { expect, test } from "vitest";
import { RecentMap } from "./recent-map.ts";

const LIMITS = { entries: 8, bytes: 40 };

test("it never holds more entries or bytes than its limits, and what it finds is what was set last", () => {
  const step = fc.record({ key: fc.nat(12), bytes: fc.nat(25), isRead: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const map = new RecentMap<number, number>(LIMITS);
      const last = new Map<number, number>();
      for (const [index, { key, bytes, isRead }] of steps.entries()) {
        if (isRead) expect([undefined, last.get(key)]).toContain(map.get(key));
        else {
          map.set(key, index, bytes);
          last.set(key, index);
        }
        expect(map.size).toBeLessThanOrEqual(LIMITS.entries);
        expect(map.bytes).toBeLessThanOrEqual(LIMITS.bytes);
      }
    }),
  );
});

test("what is used again stays while other entries come and go, and what is not used goes", () => {
  const map = new RecentMap<string, number>(LIMITS);
  map.set("used", 1, 1);
  map.set("unused", 2, 1);
  for (let i = 0; i < 20; i += 1) {
    map.set(`other ${i}`, i, 1);
    expect(map.get("used")).toBe(1);
  }
  expect(map.get("unused")).toBeUndefined();
});

test("a value larger than half of the map is not kept, nor is the one before it", () => {
  const map = new RecentMap<string, number>(LIMITS);
  map.set("a", 1, 20);
  expect(map.get("a")).toBe(1);
  map.set("a", 2, 21);
  expect([map.get("a"), map.size, map.bytes]).toEqual([undefined, 0, 0]);
});
