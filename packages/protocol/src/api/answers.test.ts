import fc from "fast-check";
import { expect, test } from "vitest";

import { formatToken } from "../token.ts";
import { parseAccepted, parseExportAnswer, parseMembraneAnswer, parseQueryAnswer } from "./answers.ts";

const uri = (seed: number): string => `cpblty://example.com/#${formatToken(new Uint8Array(64).fill(seed))}`;
const MEMBRANE = { id: "a", capabilities: { export: uri(1), revoke: uri(2) } };
const QUERY = { membranes: [MEMBRANE, { ...MEMBRANE, id: "b" }], completed: true };
const EXPORT = { capability: uri(3) };
const ACCEPTED = { statusCode: 202, message: "Accepted" };

test("an answer is read as it was sent", () => {
  expect(parseMembraneAnswer(MEMBRANE)).toEqual({ ok: true, value: MEMBRANE });
  expect(parseQueryAnswer(QUERY)).toEqual({ ok: true, value: QUERY });
  expect(parseExportAnswer(EXPORT)).toEqual({ ok: true, value: EXPORT });
  expect(parseAccepted(ACCEPTED)).toEqual({ ok: true, value: ACCEPTED });
});

test("what a newer service adds is left out", () => {
  expect(parseExportAnswer({ ...EXPORT, expires: 1 })).toEqual({ ok: true, value: EXPORT });
  expect(parseMembraneAnswer({ ...MEMBRANE, capabilities: { ...MEMBRANE.capabilities, more: 1 } })).toEqual({
    ok: true,
    value: MEMBRANE,
  });
});

test.each([
  ["no object", parseMembraneAnswer, "a", "body"],
  ["no id", parseMembraneAnswer, { ...MEMBRANE, id: 1 }, "id"],
  ["no capabilities", parseMembraneAnswer, { id: "a" }, "capabilities"],
  ["no export", parseMembraneAnswer, { id: "a", capabilities: { revoke: uri(2) } }, "capabilities.export"],
  [
    "a shell command in place of revoke",
    parseMembraneAnswer,
    { id: "a", capabilities: { export: uri(1), revoke: "$(id)" } },
    "capabilities.revoke",
  ],
  ["no list", parseQueryAnswer, { ...QUERY, membranes: {} }, "membranes"],
  ["no end", parseQueryAnswer, { membranes: [] }, "completed"],
  ["a broken entry", parseQueryAnswer, { ...QUERY, membranes: [MEMBRANE, {}] }, "membranes.1.id"],
  ["no URI", parseExportAnswer, { capability: "https://example.com" }, "capability"],
  ["another status", parseAccepted, { ...ACCEPTED, statusCode: 200 }, "statusCode"],
])("%s is refused, naming the field", (_, parse, body, field) => {
  expect(parse(body)).toMatchObject({ ok: false, problem: { field } });
});

test("no JSON value makes a parser throw", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (body) => {
      for (const parse of [parseMembraneAnswer, parseQueryAnswer, parseExportAnswer, parseAccepted]) {
        expect(parse(body).ok).toBeTypeOf("boolean");
      }
    }),
  );
});
