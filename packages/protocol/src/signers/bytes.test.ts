import fc from "fast-check";
import { expect, test } from "vitest";

import { latin1Bytes, utf8Bytes } from "./bytes.ts";

test("the bytes of a Latin-1 text are those that Node has for it", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(latin1Bytes(Buffer.from(bytes).toString("latin1"))).toEqual(bytes);
    }),
  );
});

test.each(["\u0100", "a\u2028", "𝄞"])("%j has no Latin-1 bytes", (text) => {
  expect(() => latin1Bytes(text)).toThrow(RangeError);
});

test("a text is encoded as UTF-8", () => {
  expect(utf8Bytes("é𝄞")).toEqual(new Uint8Array([0xc3, 0xa9, 0xf0, 0x9d, 0x84, 0x9e]));
});
