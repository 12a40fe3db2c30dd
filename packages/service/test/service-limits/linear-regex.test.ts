import { expect, test } from "vitest";
import { superLinearShape } from "../../../../scripts/lint/regex-shape.js";

test.each([
  ["[\\t ]+$", ""],
  ["^[\\t ]+|[\\t ]+$", "g"],
  ["\\.+$", ""],
  ["a.*b", "s"],
  ["x(?:[a-z]{2,})y", "i"],
  ["-----BEGIN [A-Z ]+-----", ""],
  ["(a+)+b", ""],
  ["^(?:a|b*)*$", ""],
  ['^(?:[^",]|"(?:[^"\\\\]|\\\\.)*"?)+$', "s"],
  ["^name(?:\\.[a-z]+)*$", ""],
  ["^\\s*\\s*x", ""],
  ["^.*,.*,x", ""],
  ["^[a:]*:[a:]*/", ""],
  ["^a*(?:b?)[ab]*c", ""],
  ["^[!-~]{1,8192}[a-z]{1,8192}!", ""],
])("/%s/%s is refused", (pattern, flags) => {
  expect(superLinearShape(pattern, flags)).toBeTypeOf("string");
});

test.each([
  ["^[!-~]+$", ""],
  ["^[\\t ]*chunked[\\t ]*$", "i"],
  ["^([^=]*)(?:=(.*))?$", "s"],
  ["^cpblty:([\\w-]+)(?:@([a-z][\\w-]*))?:(.*)$", "s"],
  ["^(\\d{1,3})(?::(\\d+))?$", ""],
  ["[\\t ]+", "g"],
  ["#.*", ""],
  [":\\d{1,5}$", ""],
  ["\\r?\\n$", ""],
  ["[^\\n\\P{C}]|[\\u2028\\u2029]", "gu"],
  ["CPBLTY1-[A-Za-z0-9_-]{85}[AQgw]", ""],
  ["(?:\\w{1,32} ){0,4}END", ""],
])("/%s/%s is linear by its shape and accepted", (pattern, flags) => {
  expect(superLinearShape(pattern, flags)).toBeUndefined();
});
