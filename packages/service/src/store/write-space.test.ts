import fc from "fast-check";
import { expect, test } from "vitest";
import { hasSpace } from "./write-space.ts";

const MIB = 1024 * 1024;
const RESERVE = 4 * MIB;

test("a revoke may use what is kept for it to the last page", () => {
  expect(hasSpace("revoke", 128 * 1024, { tail: 0, free: 0, reserve: RESERVE })).toBe(true);
});

test("what is created or counted leaves the reserve whole where nothing is free within, and half of it in every case", () => {
  const kinds = fc.constantFrom("create", "use");
  const property = fc.property(
    kinds,
    fc.nat(8 * MIB),
    fc.nat(2 * MIB),
    fc.nat(64 * MIB),
    (kind, tail, need, free) => {
      if (!hasSpace(kind, need, { tail, free, reserve: RESERVE })) return;
      expect(tail - need).toBeGreaterThanOrEqual(RESERVE / 2);
      if (free < MIB) expect(tail - need).toBeGreaterThanOrEqual(RESERVE);
    },
  );
  fc.assert(property);
});

test("what is created goes into pages that were freed within, if enough are", () => {
  const room = { tail: RESERVE, reserve: RESERVE };
  expect(hasSpace("create", 64 * 1024, { ...room, free: 0 })).toBe(false);
  expect(hasSpace("create", 64 * 1024, { ...room, free: 8 * MIB })).toBe(true);
});

test("a sweep, which makes room, may go on when creating may not", () => {
  const room = { tail: RESERVE / 2, free: 0, reserve: RESERVE };
  expect(hasSpace("create", 1, room)).toBe(false);
  expect(hasSpace("sweep", 1, room)).toBe(true);
});
