import { expect, test } from "vitest";
import { decodeMcpValue } from "./mcp-headers.ts";

const encode = (text: string): string => `=?base64?${Buffer.from(text).toString("base64")}?=`;

test.each(["search", "", "a b", "=", "= ?base64?c2VhcmNo?=", "x=?base64?c2VhcmNo?="])(
  "%j is a value that is sent as it is",
  (value) => expect(decodeMcpValue(value)).toBe(value),
);

test.each(["search", "", "Größe", "\u{1F600}", encode("search")])("%j is decoded from base64", (value) => {
  expect(decodeMcpValue(encode(value))).toBe(value);
});

test.each([
  "=?base64?c2VhcmNo",
  "=?base64?c2VhcmNo?= ",
  "=?BASE64?c2VhcmNo?=",
  "=?utf-8?B?c2VhcmNo?=",
  "=?base64?c2Vhcm?=",
  "=?base64?c2VhcmN=?=",
  "=?base64?c2VhcmNp=?=",
  "=?base64?c2Vh cmNo?=",
  "=?base64?c2VhcmNo====?=",
  "=?base64?_w==?=",
  "=?base64?/w==?=",
])("%j looks encoded and is not, so it has no value", (value) => {
  expect(decodeMcpValue(value)).toBeUndefined();
});
