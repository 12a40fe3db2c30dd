import fc from "fast-check";
import { expect, test } from "vitest";

import { decodeBase64url, encodeBase64url } from "./base64url.ts";

const bytes = fc.uint8Array({ maxLength: 200 });

test("encoding gives the same text as Node's", () => {
  fc.assert(
    fc.property(bytes, (input) => {
      expect(encodeBase64url(input)).toBe(Buffer.from(input).toString("base64url"));
    }),
  );
});

test("decoding returns the bytes that were encoded", () => {
  fc.assert(
    fc.property(bytes, (input) => {
      expect(decodeBase64url(encodeBase64url(input))).toEqual(input);
    }),
  );
});

test("a text is accepted if and only if it is the encoding of its bytes", () => {
  const nearBase64url = fc.string({
    unit: fc.constantFrom(...Array.from("ABYZabyz0189-_"), "+", "/", "=", " ", "\n", "é", "𝄞", "\0"),
    maxLength: 12,
  });
  fc.assert(
    fc.property(nearBase64url, (text) => {
      const canonical = Buffer.from(text, "base64url").toString("base64url") === text;
      expect(decodeBase64url(text) !== undefined).toBe(canonical);
    }),
    { numRuns: 2000 },
  );
});

test.each(["QQ==", "QQ=", "QR", "QUI+", "QUI/", "Q", "QUJDR", "Q Q", "QQ\n", "ＱＱ"])(
  "the spelling %j is refused",
  (text) => {
    expect(decodeBase64url(text)).toBeUndefined();
  },
);

test("the empty text is decoded to no bytes", () => {
  expect(decodeBase64url("")).toEqual(new Uint8Array());
  expect(encodeBase64url(new Uint8Array())).toBe("");
});
