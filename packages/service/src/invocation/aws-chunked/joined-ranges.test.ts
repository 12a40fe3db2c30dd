import fc from "fast-check";
import { expect, test } from "vitest";
import { JoinedRanges } from "./joined-ranges.ts";

test("ranges are joined in order", () => {
  const ranges = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 20 });
  fc.assert(
    fc.property(ranges, (skippedAndKept) => {
      const input = Buffer.from(Array.from({ length: 200 }, (_, at) => at));
      const joined = new JoinedRanges(input);
      const expected: number[] = [];
      let at = 0;
      for (const [skipped, length] of skippedAndKept) {
        at += skipped;
        joined.add(at, at + length);
        expected.push(...input.subarray(at, at + length));
        at += length;
      }
      expect([...joined.take()]).toEqual(expected);
    }),
  );
});

test("ranges that adjoin are not copied", () => {
  const input = Buffer.from("0123456789");
  const joined = new JoinedRanges(input);
  joined.add(2, 4);
  joined.add(4, 9);
  const taken = joined.take();
  expect(taken.toString()).toBe("2345678");
  expect([taken.buffer, taken.byteOffset]).toEqual([input.buffer, input.byteOffset + 2]);
});
