import { expect, test } from "vitest";
import { drawRandomBytes } from "./random-bytes.ts";

test("draws of any size have their length, and no eight bytes are given out twice", () => {
  const seen = new Set<string>();
  let eights = 0;
  for (let round = 0; round < 2_000; round += 1) {
    for (const size of [8, 12, 16, 32, 40 + (round % 100)]) {
      const bytes = drawRandomBytes(size);
      expect(bytes).toHaveLength(size);
      for (let offset = 0; offset + 8 <= size; offset += 8, eights += 1)
        seen.add(bytes.toString("hex", offset, offset + 8));
    }
  }
  expect(seen.size).toBe(eights);
});

test("all that is drawn at a time can be one draw, and nothing else than up to as many whole bytes", () => {
  expect(new Set(drawRandomBytes(4096)).size).toBeGreaterThan(200);
  for (const size of [4097, -8, 0.5, Number.NaN]) expect(() => drawRandomBytes(size)).toThrow(RangeError);
  expect(drawRandomBytes(0)).toHaveLength(0);
  expect(drawRandomBytes(8)).not.toEqual(Buffer.alloc(8));
});
