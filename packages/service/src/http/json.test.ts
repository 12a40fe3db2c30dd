import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_COMMAS, parseJson } from "./json.ts";

const parse = (json: string, depth = 3): unknown => parseJson(Buffer.from(json), depth);

test.each([
  ["[[[]]]", [[[]]]],
  ['{"a":[{}]}', { a: [{}] }],
  ['["[[[[", "\\"[[[[", "\\\\", [], [[]]]', ["[[[[", '"[[[[', "\\", [], [[]]]],
  ["[[],[],[],[],[[]]]", [[], [], [], [], [[]]]],
  ["7", 7],
])("%s has no more than three levels", (json, value) => {
  expect(parse(json)).toEqual({ ok: true, value });
});

const DEEP = "[".repeat(500_000) + "]".repeat(500_000);

test.each(["[[[[]]]]", '{"a":{"a":{"a":{}}}}', '[{"a":[{"a":1}]}]', DEEP])(
  "%.20s has more than three levels",
  (json) => {
    expect(parse(json)).toEqual({ ok: false, error: { reason: "deep" } });
  },
);

test.each(["", "[", "[[[", '{"a":"[[[[', '"', '"\\', "]]]]", "nul", "{}\ufeff"])("%j is not JSON", (json) => {
  expect(parse(json)).toEqual({ ok: false, error: { reason: "syntax" } });
});

test("brackets are counted before the text is parsed: a text that is too deep and not JSON is reported as too deep", () => {
  expect(parse("[[[[")).toEqual({ ok: false, error: { reason: "deep" } });
});

test.each(["\ufeff{}", "\ufeff", "\ufeff\ufeff{}"])("%j begins with a byte order mark", (json) => {
  expect(parse(json)).toEqual({ ok: false, error: { reason: "bom" } });
});

test.each([
  ['{"id":"a","id":"b"}', "id"],
  ['{"a":{"b":[{"c":1,"c":1}]}}', "c"],
  [String.raw`{"a":1,"\u0061":2}`, "a"],
  ['{"\u202e ":1,"\u202e ":2}', "??"],
  [`{"${"n".repeat(99)}":1,"${"n".repeat(99)}":2}`, `${"n".repeat(64)}...`],
])("%s is refused for a repeated name, which is reported in a form that is safe to print", (json, name) => {
  expect(parse(json, 4)).toEqual({ ok: false, error: { reason: "repeated", name } });
});

test("commas between members and elements are counted, those within texts are not", () => {
  const list = (commas: number): string => `[${"0,".repeat(commas)}0]`;
  expect(parse(list(MAX_COMMAS))).toMatchObject({ ok: true });
  expect(parse(list(MAX_COMMAS + 1))).toEqual({ ok: false, error: { reason: "many" } });
  expect(parse(JSON.stringify(",".repeat(MAX_COMMAS + 1)))).toMatchObject({ ok: true });
});

test("bytes that are not UTF-8 are not JSON", () => {
  expect(parseJson(Buffer.from('"\xff"', "latin1"), 3)).toEqual({ ok: false, error: { reason: "syntax" } });
});

test("a value is read if and only if it is nested no deeper than the limit", () => {
  const depthOf = (value: unknown): number =>
    typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(8), (value, depth) => {
      const json = JSON.stringify(value);
      expect(parse(json, depth)).toEqual(
        depthOf(value) <= depth
          ? { ok: true, value: JSON.parse(json) }
          : { ok: false, error: { reason: "deep" } },
      );
    }),
  );
});
