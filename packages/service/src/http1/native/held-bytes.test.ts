import fc from "fast-check";
import { expect, test } from "vitest";
import { HeldBytes } from "./held-bytes.ts";

test("what was added comes out in order, however it was cut", () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 3_000 }));
  fc.assert(
    fc.property(pieces, (added) => {
      const held = new HeldBytes();
      for (const piece of added) held.add(Buffer.from(piece));
      const whole = Buffer.concat(added);
      expect(held.length).toBe(whole.length);
      expect(held.take() ?? Buffer.alloc(0)).toEqual(whole);
      expect(held.length).toBe(0);
      expect(held.take()).toBeUndefined();
    }),
  );
});

test("the rest of one read is put back without a copy", () => {
  const held = new HeldBytes();
  const read = Buffer.from("first second");
  held.add(read);
  const rest = held.take()?.subarray(6);
  held.add(rest!);
  expect(held.take()?.buffer).toBe(read.buffer);
});
