import { expect, test } from "vitest";
import { newRequestId, parseRequestId } from "./request-id.ts";

test.each([
  "4f3a9d0c6d5b4e0f8a7b6c5d4e3f2a1b",
  "8d7c5c0e-2c0a-4b57-9a6e-0d5f6c1b2a3d",
  "Root=1-67891233-abcdef012345678912345678",
  "a",
  "x".repeat(64),
])("the id %s of a trusted proxy is accepted", (id) => {
  expect(parseRequestId([id])).toBe(id);
});

test.each([
  ["none", []],
  ["an empty value", [""]],
  ["a long value", ["x".repeat(65)]],
  ["a capability token", [`CPBLTY1-${"A".repeat(86)}`]],
  ["a list", ["a, b"]],
  ["two lines", ["a", "b"]],
  ["a URL with a query", ["https://a.test/?key=secret"]],
  ["control characters", ["a\u001b[2J"]],
  ["a line break", ["a\n"]],
  ["other letters", ["ä"]],
])("%s is not accepted as an id", (_case, value) => {
  expect(parseRequestId(value)).toBeUndefined();
});

test("new ids are well-formed, and do not reveal how many requests came between them", () => {
  const ids = Array.from({ length: 100 }, newRequestId);
  for (const id of ids) expect(parseRequestId([id])).toBe(id);
  const starts = new Set(ids.map((id) => id.slice(0, 8)));
  expect(starts.size).toBeGreaterThan(90);
});
