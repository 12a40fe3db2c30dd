import { expect, test } from "vitest";
import { LazyMap } from "./lazy-map.ts";

interface Count {
  count: number;
}

function open() {
  const dropped: number[] = [];
  let made = 0;
  const map = new LazyMap<number, Count>({
    create: () => {
      made += 1;
      return { count: 0 };
    },
    isIdle: ({ count }) => count === 0,
    onEvict: (key) => dropped.push(key),
  });
  return { map, dropped, made: () => made };
}

test("the value of a key is made once, and returned again whether it is idle or not", () => {
  const { map, made } = open();
  expect(map.get(1)).toBe(map.get(1));
  expect(made()).toBe(1);
});

test("of many entries, the idle ones are dropped and those in use stay", () => {
  const { map, dropped } = open();
  const used = map.get(0);
  used.count = 1;
  for (let key = 1; key <= 10_000; key += 1) map.get(key);
  expect(dropped.length).toBeGreaterThan(8_000);
  expect(new Set(dropped).size).toBe(dropped.length);
  expect(dropped).not.toContain(0);
  expect(map.get(0)).toBe(used);
});

test("many entries that are all in use are not scanned again for each new entry", () => {
  let asked = 0;
  const busy = new LazyMap<number, Count>({
    create: () => ({ count: 1 }),
    isIdle: () => {
      asked += 1;
      return false;
    },
  });
  for (let key = 0; key < 100_000; key += 1) busy.get(key);
  expect(asked).toBeLessThan(200_000);
});
