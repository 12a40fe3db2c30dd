import fc from "fast-check";
import { expect, test } from "vitest";
import { Slabs } from "./slabs.ts";

const pieces = fc.array(fc.uint8Array({ maxLength: 5_000 }), { maxLength: 50 });

test("bytes in any pieces are taken in order, and at most twice as many are allocated", () => {
  fc.assert(
    fc.property(pieces, (given) => {
      const slabs = new Slabs();
      const all = Buffer.concat(given);
      for (const piece of given) expect(slabs.append(Buffer.from(piece))).toBe(true);
      expect(slabs.length).toBe(all.length);
      expect(slabs.allocated).toBeLessThanOrEqual(Math.max(1_024, 2 * all.length));
      expect(Buffer.concat(slabs.take())).toEqual(all);
      expect([slabs.length, slabs.allocated, slabs.take()]).toEqual([0, 0, []]);
    }),
  );
});

test("when the length is known, not a byte more is allocated", () => {
  fc.assert(
    fc.property(pieces, (given) => {
      const { length } = Buffer.concat(given);
      const slabs = new Slabs(length);
      for (const piece of given) slabs.append(Buffer.from(piece));
      expect(slabs.allocated).toBeLessThanOrEqual(length);
    }),
  );
});

test("nothing is allocated that `mayAllocate` refused", () => {
  fc.assert(
    fc.property(pieces, fc.nat(100_000), (given, most) => {
      const slabs = new Slabs();
      let allocated = 0;
      const mayAllocate = (bytes: number): boolean => {
        if (allocated + bytes > most) return false;
        allocated += bytes;
        return true;
      };
      const taken = given.every((piece) => slabs.append(Buffer.from(piece), mayAllocate));
      expect(slabs.allocated).toBe(allocated);
      expect(taken).toBe(slabs.length === Buffer.concat(given).length);
    }),
  );
});
