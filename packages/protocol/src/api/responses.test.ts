import fc from "fast-check";
import { expect, test } from "vitest";

import { formatToken } from "../token.ts";
import {
  parseAcceptedResponse,
  parseExportResponse,
  parseMembraneResponse,
  parseQueryResponse,
} from "./responses.ts";

const uri = (seed: number): string => `cpblty://example.com/#${formatToken(new Uint8Array(64).fill(seed))}`;
const MEMBRANE = { id: "a", capabilities: { export: uri(1), revoke: uri(2) } };
const QUERY = { membranes: [MEMBRANE, { ...MEMBRANE, id: "b" }], completed: true };
const EXPORT = { capability: uri(3) };
const ACCEPTED = { statusCode: 202, message: "Accepted" };

test("a response is parsed to the value that was sent", () => {
  expect(parseMembraneResponse(MEMBRANE)).toEqual({ ok: true, value: MEMBRANE });
  expect(parseQueryResponse(QUERY)).toEqual({ ok: true, value: QUERY });
  expect(parseExportResponse(EXPORT)).toEqual({ ok: true, value: EXPORT });
  const expiring = { ...EXPORT, expiresAt: "2030-01-31T12:00:00.000Z" };
  expect(parseExportResponse(expiring)).toEqual({ ok: true, value: expiring });
  expect(parseAcceptedResponse(ACCEPTED)).toEqual({ ok: true, value: ACCEPTED });
});

test("members that a newer service adds are left out", () => {
  expect(parseExportResponse({ ...EXPORT, expires: 1 })).toEqual({ ok: true, value: EXPORT });
  expect(parseMembraneResponse({ ...MEMBRANE, capabilities: { ...MEMBRANE.capabilities, more: 1 } })).toEqual(
    {
      ok: true,
      value: MEMBRANE,
    },
  );
});

test.each([
  ["no object", parseMembraneResponse, "a", "body"],
  ["no id", parseMembraneResponse, { ...MEMBRANE, id: 1 }, "id"],
  ["no capabilities", parseMembraneResponse, { id: "a" }, "capabilities"],
  ["no export", parseMembraneResponse, { id: "a", capabilities: { revoke: uri(2) } }, "capabilities.export"],
  [
    "a shell command in place of revoke",
    parseMembraneResponse,
    { id: "a", capabilities: { export: uri(1), revoke: "$(id)" } },
    "capabilities.revoke",
  ],
  ["no list", parseQueryResponse, { ...QUERY, membranes: {} }, "membranes"],
  ["no end", parseQueryResponse, { membranes: [] }, "completed"],
  ["a broken entry", parseQueryResponse, { ...QUERY, membranes: [MEMBRANE, {}] }, "membranes.1.id"],
  ["no URI", parseExportResponse, { capability: "https://example.com" }, "capability"],
  ["no time", parseExportResponse, { ...EXPORT, expiresAt: "\u001b[2J" }, "expiresAt"],
  ["another status", parseAcceptedResponse, { ...ACCEPTED, statusCode: 200 }, "statusCode"],
])("%s is refused, naming the field", (_, parse, body, field) => {
  expect(parse(body)).toMatchObject({ ok: false, error: { field } });
});

test("no JSON value makes a parser throw", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (body) => {
      for (const parse of [
        parseMembraneResponse,
        parseQueryResponse,
        parseExportResponse,
        parseAcceptedResponse,
      ]) {
        expect(parse(body).ok).toBeTypeOf("boolean");
      }
    }),
  );
});
