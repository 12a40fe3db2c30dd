import fc from "fast-check";
import { expect, test } from "vitest";
import { findRepeatedName, measureJson } from "./shape.ts";

test.each([
  ['{"a":1,"a":2}', "a"],
  ['{"a":1,"b":{"c":1,"c":2}}', "c"],
  ['[{"a":1},{"b":2,"b":3}]', "b"],
  ['{"a":{"x":1},"b":[{"x":1}],"a":0}', "a"],
  ['{"a" \t\r\n:1, "a":2}', "a"],
  [String.raw`{"uri":1,"\u0075ri":2}`, "uri"],
  [String.raw`{"\"":1,"\u0022":2}`, '"'],
  ['{"":1,"":2}', ""],
  ['{"__proto__":1,"__proto__":2}', "__proto__"],
])("%s has a name twice", (json, name) => {
  expect(findRepeatedName(json)).toBe(name);
});

test.each([
  '{"a":1,"b":2}',
  '{"a":{"a":{"a":1}}}',
  '[{"a":1},{"a":2}]',
  '{"a":["a","a",{"a":"a"}],"b":"a"}',
  '{"a":1,"A":2}',
  '{"a":"\\"a\\":1,\\"a\\":2"}',
  '{"a":"}","b":"{","c":{}}',
  '["a","a"]',
  '"a"',
  "7",
])("%s has each name once in each object", (json) => {
  expect(findRepeatedName(json)).toBeUndefined();
});

/** JSON whose objects are lists of pairs, so that a name can be repeated. */
const pairs = fc.letrec<{ value: Node; object: Node }>((tie) => ({
  object: fc
    .array(fc.tuple(fc.constantFrom("a", "b", '"', "\\", "\u00e9", "{", ":"), tie("value")), { maxLength: 4 })
    .map((members) => ({
      text: `{${members.map(([name, { text }]) => `${spell(name)} : ${text}`).join(" ,")}}`,
      isRepeated:
        new Set(members.map(([name]) => name)).size < members.length ||
        members.some(([, { isRepeated }]) => isRepeated),
    })),
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string().map((text) => ({ text: JSON.stringify(text), isRepeated: false })),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => ({
      text: `[${items.map(({ text }) => text).join(",")}]`,
      isRepeated: items.some(({ isRepeated }) => isRepeated),
    })),
    tie("object"),
  ),
}));

interface Node {
  readonly text: string;
  readonly isRepeated: boolean;
}

/** Some names with escapes, some without. */
function spell(name: string): string {
  return name === "b" ? String.raw`"\u0062"` : JSON.stringify(name);
}

test("a repeated name is found if and only if an object has it twice, at any depth and in any spelling", () => {
  fc.assert(
    fc.property(pairs.object, ({ text, isRepeated }) => {
      JSON.parse(text);
      expect(findRepeatedName(text) !== undefined).toBe(isRepeated);
    }),
  );
});

test("levels and commas are counted outside strings, also in text that is not JSON", () => {
  expect(measureJson('{"a,[{":[1,[2]],"b\\"],":{}}')).toEqual({ levels: 3, commas: 2 });
  expect(measureJson("[[[")).toEqual({ levels: 3, commas: 0 });
  expect(measureJson('"')).toEqual({ levels: 0, commas: 0 });
});
