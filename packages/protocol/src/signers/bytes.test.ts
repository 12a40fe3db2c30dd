import fc from "fast-check";
import { expect, test } from "vitest";

import { hex, latin1Bytes, latin1Text, utf8Bytes } from "./bytes.ts";

test("bytes are the same after conversion to Latin-1 text and back, and hex equals Node's", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(latin1Text(bytes)).toBe(Buffer.from(bytes).toString("latin1"));
      expect(Buffer.from(latin1Bytes(latin1Text(bytes)))).toEqual(Buffer.from(bytes));
      expect(hex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
    }),
  );
});

test.each(["\u0100", "a\u2028", "𝄞"])("%j has no Latin-1 bytes", (text) => {
  expect(() => latin1Bytes(text)).toThrow(RangeError);
});

test("a text is encoded as UTF-8", () => {
  expect(utf8Bytes("é𝄞")).toEqual(new Uint8Array([0xc3, 0xa9, 0xf0, 0x9d, 0x84, 0x9e]));
});
