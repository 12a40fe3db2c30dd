import { expect, test } from "vitest";
import { findSimilarName } from "./similar-name.ts";

const NAMES = [
  "path",
  "methods",
  "method",
  "max-uses",
  "max-uses-every",
  "allow-header",
  "id",
  "uri",
  "expires-in",
  "limit",
];

test.each([
  ["paths", "path"],
  ["max_uses", "max-uses"],
  ["maxuse", "max-uses"],
  ["allow-headers", "allow-header"],
  ["metods", "methods"],
  ["methd", "method"],
  ["expire", "expires-in"],
  ["limit-max-uses", "max-uses"],
  ["limits_path", "path"],
  ["limit", "limit"],
])("%s is taken for a mistake in %s", (wrong, meant) => {
  expect(findSimilarName(wrong, NAMES)).toBe(meant);
});

test.each(["frob", "no-id", "no-allow-header", "noAllowHeader", "url-of-target", "x", ""])(
  "%j resembles no option",
  (wrong) => {
    expect(findSimilarName(wrong, NAMES)).toBeUndefined();
  },
);
