import fc from "fast-check";
import { expect, test } from "vitest";
import { KeptBytes } from "./kept-bytes.ts";

test("parts are joined in order", () => {
  const parts = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 20 });
  fc.assert(
    fc.property(parts, (skippedAndKept) => {
      const input = Buffer.from(Array.from({ length: 200 }, (_, at) => at));
      const kept = new KeptBytes(input);
      const expected: number[] = [];
      let at = 0;
      for (const [skipped, length] of skippedAndKept) {
        at += skipped;
        kept.keep(at, at + length);
        expected.push(...input.subarray(at, at + length));
        at += length;
      }
      expect([...kept.take()]).toEqual(expected);
    }),
  );
});

test("parts that adjoin are not copied", () => {
  const input = Buffer.from("0123456789");
  const kept = new KeptBytes(input);
  kept.keep(2, 4);
  kept.keep(4, 9);
  const taken = kept.take();
  expect(taken.toString()).toBe("2345678");
  expect([taken.buffer, taken.byteOffset]).toEqual([input.buffer, input.byteOffset + 2]);
});
