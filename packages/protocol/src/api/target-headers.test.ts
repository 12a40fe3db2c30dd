import fc from "fast-check";
import { expect, test } from "vitest";

import { HOP_BY_HOP_REQUEST } from "../http-syntax.ts";
import { parseTargetHeaders } from "./target-headers.ts";

test("headers keep their names, their order and their trimmed values", () => {
  expect(
    parseTargetHeaders({
      "X-B": " b\t",
      nbsp: "\u00a0c\u00a0",
      "x-a": "caf\u00e9",
      Cookie: "c=1",
      empty: "",
    }),
  ).toEqual({
    ok: true,
    value: [
      ["X-B", "b"],
      ["nbsp", "\u00a0c\u00a0"],
      ["x-a", "caf\u00e9"],
      ["Cookie", "c=1"],
      ["empty", ""],
    ],
  });
});

test("absent headers mean an empty list", () => {
  expect(parseTargetHeaders(undefined)).toEqual({ ok: true, value: [] });
  expect(parseTargetHeaders({})).toEqual({ ok: true, value: [] });
});

test.each([...HOP_BY_HOP_REQUEST, "Connection", "KEEP-ALIVE"])("%s is hop-by-hop and ignored", (name) => {
  expect(parseTargetHeaders({ [name]: "x", "X-A": "a" })).toEqual({
    ok: true,
    value: [["X-A", "a"]],
  });
});

test("headers that Connection names are kept: it describes a message, not a target", () => {
  expect(parseTargetHeaders({ connection: "x-a", "x-a": "a" })).toEqual({
    ok: true,
    value: [["x-a", "a"]],
  });
});

test.each(["Host", "content-length", "Expect", "VIA", "CDN-Loop"])("%s is refused", (name) => {
  expect(parseTargetHeaders({ [name]: "x" })).toMatchObject({
    ok: false,
    error: { field: `headers.${name}` },
  });
});

test.each([
  ["X-A", "x-a"],
  ["Connection", "connection"],
  ["__proto__", "__PROTO__"],
])("%s together with %s is refused: the names differ only in case", (first, second) => {
  const headers = JSON.parse(`{"${first}": "a", "${second}": "b"}`) as unknown;
  expect(parseTargetHeaders(headers)).toMatchObject({
    ok: false,
    error: { field: `headers.${second}` },
  });
});

test.each(["__proto__", "constructor", "toString"])("%s is a name like any other", (name) => {
  const headers = JSON.parse(`{"${name}": "a"}`) as unknown;
  expect(parseTargetHeaders(headers)).toEqual({ ok: true, value: [[name, "a"]] });
});

test.each(["", " ", "a b", "a:b", "a\r\nb", "é", "a(b)", "a\0"])("the name %j is refused", (name) => {
  expect(parseTargetHeaders({ [name]: "x" })).toMatchObject({ ok: false });
});

test("the refusal of a name shows it without control characters", () => {
  const parsed = parseTargetHeaders({ "a\r\nSet-Cookie: b": "x" });
  expect(parsed).toMatchObject({ ok: false, error: { field: "headers.a??Set-Cookie:?b" } });
});

test("each accepted header can be written as one field line", () => {
  const text = fc.string({ unit: "binary-ascii", maxLength: 6 });
  fc.assert(
    fc.property(fc.dictionary(text, fc.oneof(text, fc.anything())), (headers) => {
      const parsed = parseTargetHeaders(headers);
      if (!parsed.ok) return;
      for (const [name, value] of parsed.value) {
        expect(`${name}: ${value}`).toMatch(/^[^\s:]+: (?:\S(?:[^\r\n\0]*\S)?)?$/);
      }
    }),
    { numRuns: 1000 },
  );
});
