import fc from "fast-check";
import { expect, test } from "vitest";

import {
  canonicalHeaders,
  canonicalQuery,
  canonicalRequest,
  canonicalUri,
  isS3Service,
  wirePath,
} from "./aws4-canonical.ts";

const path = fc
  .array(
    fc.constantFrom(
      "/",
      "a",
      "~",
      "@",
      ":",
      "+",
      "!",
      "'",
      "*",
      "%2F",
      "%2f",
      "%61",
      "%C3%A9",
      "%",
      "%ff",
      ".",
      "..",
    ),
    { maxLength: 10 },
  )
  .map((parts) => `/${parts.join("")}`);

test.each([
  ["/", "/"],
  ["/a@b", "/a%40b"],
  ["/a:b", "/a%3Ab"],
  ["/a+b", "/a%2Bb"],
  ["/!'()*", "/%21%27%28%29%2A"],
  ["/a%2fb", "/a%2Fb"],
  ["/%61%7e%2D", "/a~-"],
  ["/a%20b", "/a%20b"],
  ["/caf%c3%a9", "/caf%C3%A9"],
  ["/%ff", "/%FF"],
  ["/%zz%", "/%25zz%25"],
  ["/a//b/./../c", "/a//b/./../c"],
  ["/é", "/%C3%A9"],
])("to S3, the path %s is sent and signed as %s", (given, sent) => {
  expect(wirePath("s3", given)).toBe(sent);
  expect(canonicalUri("s3", given)).toBe(sent);
});

test.each([
  ["/", "/"],
  ["/a@b", "/a%40b"],
  ["/a%40b", "/a%2540b"],
  ["/a%20b", "/a%2520b"],
  ["/a%2Fb", "/a%252Fb"],
  ["/a%2fb", "/a%252fb"],
  ["/!'()*~", "/%21%27%28%29%2A~"],
  ["/a//b/./c/../d/", "/a/b/d/"],
  ["//", "/"],
  ["/example/..", "/"],
  ["/a|b", "/a%7Cb"],
])("to other services, the path %s is sent unchanged and signed as %s", (given, signed) => {
  expect(wirePath("lambda", given)).toBe(given);
  expect(canonicalUri("lambda", given)).toBe(signed);
});

test("a path to S3 is the same for a verifier that takes it as sent and for one that decodes and encodes it", () => {
  fc.assert(
    fc.property(path, (given) => {
      const sent = wirePath("s3", given);
      expect(canonicalUri("s3", sent)).toBe(sent);
      const decodedAndEncoded = sent.replaceAll(/%../g, (triplet) => {
        const byte = Number.parseInt(triplet.slice(1), 16);
        const character = String.fromCharCode(byte);
        return /[A-Za-z0-9\-._~]/.test(character) ? character : triplet.toUpperCase();
      });
      expect(decodedAndEncoded).toBe(sent);
      expect(sent).toMatch(/^(?:[A-Za-z0-9\-._~/]|%[0-9A-F]{2})*$/);
    }),
    { numRuns: 1000 },
  );
});

test("the spelling of a path for S3 does not change the bytes of its name", () => {
  const named = (text: string): string =>
    text.replaceAll(/%[0-9A-Fa-f]{2}/g, (triplet) =>
      String.fromCharCode(Number.parseInt(triplet.slice(1), 16)),
    );
  fc.assert(
    fc.property(path, (given) => {
      expect(named(wirePath("s3", given))).toBe(named(given));
    }),
    { numRuns: 1000 },
  );
});

test.each(["s3", "s3-object-lambda", "s3-outposts", "s3express"])("%s has the rules of S3", (service) => {
  expect(isS3Service(service)).toBe(true);
});

test.each(["S3", "s3 ", "s3-control", "lambda", ""])("%j does not have the rules of S3", (service) => {
  expect(isS3Service(service)).toBe(false);
});

test.each([
  ["", ""],
  ["a", "a="],
  ["a=", "a="],
  ["=v", "=v"],
  ["=", "="],
  ["a=b=c", "a=b%3Dc"],
  ["a=+", "a=%20"],
  ["a=%2B", "a=%2B"],
  ["a+b=1", "a%20b=1"],
  ["a=%2f", "a=%2F"],
  ["a=/", "a=%2F"],
  ["a=%61", "a=a"],
  ["a=!'()*~", "a=%21%27%28%29%2A~"],
  ["&a=1&&b=2&", "a=1&b=2"],
  ["b=1&a=2&a=1&A=3", "A=3&a=1&a=2&b=1"],
  ["a=1&a=1", "a=1&a=1"],
  ["a-=1&a=2", "a=2&a-=1"],
  ["a=b&a=B&a=%21", "a=%21&a=B&a=b"],
  ["a=%zz", "a=%25zz"],
  ["a=%ff", "a=%FF"],
  ["a=%C3%A9", "a=%C3%A9"],
  ["a=1;b=2", "a=1%3Bb%3D2"],
  ["a=1?b", "a=1%3Fb"],
  ["lifecycle", "lifecycle="],
])("the query %j is signed as %j", (query, canonical) => {
  expect(canonicalQuery(query)).toBe(canonical);
});

test.each([
  ["a   b", "a b"],
  ["  a\t b  ", "a b"],
  ["a b", "a b"],
  ['"a   b"', '"a b"'],
  ["", ""],
  ["Ã\u00a0  b", "Ã\u00a0 b"],
])("the value %j is signed as %j", (value, canonical) => {
  expect(canonicalHeaders([{ lowerCaseName: "x", values: [value] }])).toBe(`x:${canonical}\n`);
});

test("values of a repeated name are joined with a comma in the order sent", () => {
  expect(canonicalHeaders([{ lowerCaseName: "x", values: [" b ", "a", "b"] }])).toBe("x:b,a,b\n");
});

test("the canonical request ends its headers with an empty line", () => {
  const headers = [
    { lowerCaseName: "host", values: ["h"] },
    { lowerCaseName: "x-amz-date", values: ["d"] },
  ];
  const parts = { method: "GET", uri: "/", query: "a=1", headers, payload: "p" };
  expect(canonicalRequest(parts)).toBe("GET\n/\na=1\nhost:h\nx-amz-date:d\n\nhost;x-amz-date\np");
});
