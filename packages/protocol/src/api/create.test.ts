import fc from "fast-check";
import { expect, test } from "vitest";

import { parseCreateRequest, parseProvisionRequest } from "./create.ts";

const PARSERS = [
  { name: "create", parse: parseCreateRequest },
  { name: "provision", parse: parseProvisionRequest },
];

test.each([
  ["one character", "a"],
  ["512 UTF-16 units", "a".repeat(512)],
  ["256 characters of two units", "𝄞".repeat(256)],
  ["control characters except NUL", "\n\u0001\u007f"],
  ["white space", " "],
  ["the name of a member of the prototype", "__proto__"],
])("an id of %s is accepted unchanged", (_, id) => {
  for (const { parse } of PARSERS) expect(parse({ id })).toEqual({ ok: true, value: { id } });
});

test.each([
  ["no id", {}, "id"],
  ["an id that is undefined", { id: undefined }, "id"],
  ["an empty id", { id: "" }, "id"],
  ["513 UTF-16 units", { id: "a".repeat(513) }, "id"],
  ["257 characters of two units", { id: "𝄞".repeat(257) }, "id"],
  ["NUL", { id: "a\0b" }, "id"],
  ["a lone high surrogate", { id: "a\ud800" }, "id"],
  ["a lone low surrogate", { id: "\udc00a" }, "id"],
  ["surrogates in the wrong order", { id: "\udc00\ud800" }, "id"],
  ["a number", { id: 1 }, "id"],
  ["null in place of the id", { id: null }, "id"],
  ["an array in place of the id", { id: ["a"] }, "id"],
  ["another field", { id: "a", limit: 1 }, "limit"],
  ["an own field __proto__", JSON.parse('{"id": "a", "__proto__": {}}'), "__proto__"],
  ["an inherited id", JSON.parse('{"__proto__": {"id": "a"}}'), "__proto__"],
  ["an array", [{ id: "a" }], "body"],
  ["a string", "a", "body"],
  ["null", null, "body"],
  ["nothing", undefined, "body"],
])("%s is refused, naming the field", (_, body, field) => {
  for (const { parse } of PARSERS) {
    expect(parse(body)).toMatchObject({ ok: false, error: { field } });
  }
});

test("the parser returns a value for any JSON, and never throws", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (body) => {
      for (const { parse } of PARSERS) expect(parse(body).ok).toBeTypeOf("boolean");
    }),
  );
});
