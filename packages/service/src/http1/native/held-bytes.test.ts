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

test("the rest of one read is put back without a copy while it is most of it, and keeps no read that it is a small part of", () => {
  const held = new HeldBytes();
  const read = Buffer.alloc(65_536);
  held.add(read.subarray(1_000));
  const most = held.take();
  expect(most?.buffer).toBe(read.buffer);
  held.add(read.subarray(60_000));
  const end = held.take();
  expect(end).toEqual(read.subarray(60_000));
  expect(end?.buffer.byteLength).toBe(5_536);
});
