import fc from "fast-check";
import { expect, test } from "vitest";
import { sentRequestOf } from "../../../testkit/src/fixtures.ts";
import { makePrivate, buildResponseHead } from "./response-head.ts";

const ASKED = sentRequestOf({ uri: "https://example.com/v1/items?page=1" });
const REFUSED = { ok: false, error: { reason: "invalid_target_response" } };
const CORS = ["Access-Control-Allow-Origin", "*"];
const OURS = [
  "Cache-Control",
  "private",
  "Vary",
  "Authorization, X-Api-Key, Api-Key, X-Goog-Api-Key, X-Amz-Security-Token",
  "X-Content-Type-Options",
  "nosniff",
  "Content-Security-Policy",
  "sandbox",
];
const ADDED = [...OURS, ...CORS];

function headersOf(status: number, reason: string, lines: readonly string[]): readonly string[] {
  const outcome = buildResponseHead(status, reason, lines, CORS, ASKED);
  return outcome.ok ? outcome.value.headers : [];
}

test.each([200, 204, 304, 404, 599])("the status %i is passed on with its reason", (status) => {
  expect(buildResponseHead(status, "Why Not", [], CORS, ASKED)).toEqual({
    ok: true,
    value: { status, reason: "Why Not", headers: ADDED, dropsBody: false },
  });
});

test.each([0, 99, 100, 199, 600, 999, 1000])("the status %i is refused", (status) => {
  expect(buildResponseHead(status, "", [], CORS, ASKED)).toEqual(REFUSED);
});

test.each(["a\rb", "a\nb", "a\0b", "\x7f", "Ā"])("%j in a reason or a value is refused", (text) => {
  expect(buildResponseHead(200, text, [], CORS, ASKED)).toEqual(REFUSED);
  expect(buildResponseHead(200, "", ["X", text], CORS, ASKED)).toEqual(REFUSED);
});

test.each(["gzip", "gzip, chunked", "chunked, gzip", "identity", "", "xchunked"])(
  "the transfer coding %j is refused",
  (coding) => {
    expect(buildResponseHead(200, "", ["TRANSFER-encoding", coding], CORS, ASKED)).toEqual(REFUSED);
  },
);

test("chunked is a matter of one connection and not passed on", () => {
  expect(headersOf(200, "", ["Transfer-Encoding", " Chunked "])).toEqual(ADDED);
});

test("Content-Length is passed on but with a 204, which cannot have one", () => {
  const lines = ["Content-Length", "7"];
  expect(headersOf(200, "", lines)).toEqual([...lines, ...ADDED]);
  expect(headersOf(304, "", lines)).toEqual([...lines, ...ADDED]);
  expect(headersOf(204, "", lines)).toEqual(ADDED);
});

test("what Connection names is not passed on, and what we add stays", () => {
  const lines = [
    "Connection",
    "x-a, vary, content-security-policy",
    "X-A",
    "1",
    "Vary",
    "Accept",
    "X-B",
    "2",
  ];
  expect(headersOf(200, "", lines)).toEqual(["X-B", "2", ...ADDED]);
});

test.each([
  [["Cache-Control", "no-store"], ["no-store"]],
  [
    ["cache-CONTROL", "max-age=9", "Cache-Control", "x"],
    ["private, max-age=9", "private, x"],
  ],
  [["Connection", "cache-control", "Cache-Control", "max-age=9"], ["private"]],
  [["Expires", "Thu, 01 Jan 1970 00:00:00 GMT"], ["private"]],
])("the Cache-Control of a response with the lines %j is %j", (lines, values) => {
  const headers = headersOf(200, "", lines);
  expect(headers.filter((_, i) => headers[i - 1]?.toLowerCase() === "cache-control")).toEqual(values);
});

test.each([
  ["public", "private"],
  ["Public , S-MAXAGE = 5", "private"],
  ["s-maxage=5, max-age=1, public", "private, max-age=1"],
  ["private, public", "private"],
  ["max-age=1, private", "private, max-age=1"],
  ['private="x-a, x-b", max-age=1', "private, max-age=1"],
  ["publicly, s-maxages=1, privately", "private, publicly, s-maxages=1, privately"],
  ['a="public", public', 'private, a="public"'],
  ['a="x, public, s-maxage=1"', 'private, a="x, public, s-maxage=1"'],
  ['a="\\", public", public', 'private, a="\\", public"'],
  ['a="open, no-store', 'private, a="open, no-store'],
  ["must-revalidate, max-age=9", "private, must-revalidate, max-age=9"],
  ["max-age=0", "private, max-age=0"],
  ["no-cache", "private, no-cache"],
  ["no-store", "no-store"],
  ["No-Cache , NO-STORE", "No-Cache, NO-STORE"],
  ["no-store, public", "private, no-store"],
  ["no-store=1", "private, no-store=1"],
  ["", "private"],
  [",, ,public,", "private"],
])("Cache-Control %j becomes %j", (given, made) => {
  expect(makePrivate(given)).toBe(made);
});

test("whatever a Cache-Control says, it begins with private or says no-store, and says neither public nor s-maxage", () => {
  const part = fc.constantFrom(
    "public",
    "PUBLIC",
    "s-maxage=9",
    "S-Maxage = 9",
    "private",
    'private="x"',
    "no-store",
    "max-age=1",
    "must-revalidate",
    " ",
    ",",
    "\t",
    "=",
    "x",
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const made = makePrivate(parts.join(",")).split(", ");
      expect(made[0] === "private" || made.includes("no-store")).toBe(true);
      const names = made.map((text) => text.split("=")[0]?.trim().toLowerCase());
      expect(names).not.toContain("public");
      expect(names).not.toContain("s-maxage");
      expect(makePrivate(made.join(", "))).toBe(made.join(", "));
    }),
  );
});

test.each([301, 307])("a %i to a client of S3 has no body, where it would find another host", (status) => {
  const asked = sentRequestOf({ uri: "https://example.com/v1" }, [], "x-amz-security-token");
  const { target } = sentRequestOf({ uri: "https://example.com/v1", allowPath: true });
  const body = ["Content-Length", "9", "content-TYPE", "application/xml", "Content-Encoding", "gzip"];
  const lines = [...body, "Location", "/v1/a", "ETag", "a"];
  const outcome = buildResponseHead(status, "", lines, [], { ...asked, target });
  expect(outcome).toMatchObject({ ok: true, value: { dropsBody: true } });
  const headers = outcome.ok ? outcome.value.headers : [];
  expect(headers.slice(0, 4)).toEqual(["Location", "https://membrane.test/a", "ETag", "a"]);
  expect(headers.slice(-2)).toEqual(["Content-Length", "0"]);
  expect(headers).not.toContain("application/xml");
  expect(headers).not.toContain("gzip");
  expect(buildResponseHead(status, "", body, [], { ...asked, target })).toEqual(NOT_PASSED);
  expect(buildResponseHead(status, "", lines, [], asked)).toEqual(NOT_PASSED);
});

const NOT_PASSED = { ok: false, error: { reason: "redirect_not_passed" } };
