import { METHODS, validateHeaderName, validateHeaderValue } from "node:http";

import fc from "fast-check";
import { expect, test } from "vitest";

import {
  FORWARDABLE_METHODS,
  HOP_BY_HOP_REQUEST,
  HOP_BY_HOP_RESPONSE,
  isFieldValue,
  isToken,
  parseMethod,
  trimFieldValue,
} from "./http-syntax.ts";

test("every method of Node except CONNECT and TRACE can be forwarded, and no other", () => {
  const expected = METHODS.filter((method) => method !== "CONNECT" && method !== "TRACE");
  expect([...FORWARDABLE_METHODS].toSorted()).toEqual(expected.toSorted());
});

test.each([...FORWARDABLE_METHODS])("the method %s is accepted in either case", (method) => {
  expect(parseMethod(method.toLowerCase())).toBe(method);
  expect(parseMethod(method)).toBe(method);
});

test.each(["CONNECT", "trace", "FOO", "", " GET", "GET\n", "lınk", "G ET", "__proto__"])(
  "the method %j is refused",
  (method) => {
    expect(parseMethod(method)).toBeUndefined();
  },
);

test("the accepted names and values are exactly those that Node accepts", () => {
  const text = fc.string({
    unit: fc.integer({ min: 0, max: 0x17f }).map((code) => String.fromCharCode(code)),
  });
  const accepts = (validate: () => void): boolean => {
    try {
      validate();
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ maxLength: 3 })), (input) => {
      expect(isToken(input)).toBe(accepts(() => validateHeaderName(input)));
      expect(isFieldValue(input)).toBe(accepts(() => validateHeaderValue("x", input)));
    }),
    { numRuns: 2000 },
  );
});

test("only space and tab are trimmed from a value", () => {
  expect(trimFieldValue(" \t a \t b\t ")).toBe("a \t b");
  expect(trimFieldValue("\u00a0a\u00a0")).toBe("\u00a0a\u00a0");
});

test("every hop-by-hop header of responses is one of requests, too", () => {
  expect([...HOP_BY_HOP_RESPONSE].filter((name) => !HOP_BY_HOP_REQUEST.has(name))).toEqual([]);
  for (const name of ["connection", "te", "upgrade", "proxy-authorization"]) {
    expect(HOP_BY_HOP_REQUEST.has(name)).toBe(true);
  }
});
