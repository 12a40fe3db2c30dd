import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createRandomIds } from "./random-ids.ts";

test("ids have their length, and no two of them are the same", () => {
  const newId = createRandomIds(randomBytes);
  const ids = Array.from({ length: 3_000 }, (_, at) => newId(at % 2 === 0 ? 16 : 8));
  expect(ids.every((id, at) => new RegExp(`^[0-9a-f]{${at % 2 === 0 ? 32 : 16}}$`).test(id))).toBe(true);
  expect(new Set(ids).size).toBe(3_000);
});

test("an id of zeros is left out", () => {
  const newId = createRandomIds((size) => Buffer.alloc(size, "0000000000000000ab000000000000cd", "hex"));
  expect([newId(8), newId(8)]).toEqual(["ab000000000000cd", "ab000000000000cd"]);
});

test("what is drawn at once is used to its end", () => {
  let draws = 0;
  const newId = createRandomIds((size) => {
    draws += 1;
    return Buffer.alloc(size, "ab", "hex");
  });
  for (let made = 0; made < 4_096 / 16; made += 1) newId(16);
  expect(draws).toBe(1);
  newId(16);
  expect(draws).toBe(2);
});
