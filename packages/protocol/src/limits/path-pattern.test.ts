import fc from "fast-check";
import { expect, test } from "vitest";

import { canonicalizePath } from "../openings/path.ts";
import { MAX_PATH_PATTERN_LENGTH } from "../bounds.ts";
import { err } from "../result.ts";
import { matchesPathPattern, parsePathPattern, splitPath } from "./path-pattern.ts";
import { INVALID_PATTERNS, PATTERN_MATCHES } from "./path-pattern.vectors.ts";

const ANY = { encodedSlash: true, emptySegments: true };

function admits(pattern: string, raw: string): boolean {
  const compiled = parsePathPattern(pattern);
  const path = canonicalizePath(raw, ANY);
  if (!compiled.ok || !path.ok) throw new TypeError("expected a pattern and a path");
  return matchesPathPattern(compiled.value, splitPath(path.value));
}

test.each(PATTERN_MATCHES)("whether the pattern %s admits %s: %s", (pattern, path, matches) => {
  expect(admits(pattern, path)).toBe(matches);
});

test.each([...INVALID_PATTERNS, "/a%2F**", "/**/", "/***", "/a/**;x", "/%2a", "/a%2F*b"])(
  "%j is not a pattern",
  (text) => {
    expect(parsePathPattern(text)).toMatchObject({ ok: false });
  },
);

test.each([
  ["a", "a path that begins with a slash (form)"],
  ["/a b", 'visible ASCII characters other than \\ # ? " < > ^ ` { | } (character)'],
  ["/a%2", "two hexadecimal digits after each percent sign (percent)"],
  [
    "/a/../b",
    "no segment of dots, also before ; ? or #, and no segment that begins with a semicolon (dot-segment)",
  ],
  [
    "/%7Ea",
    "unreserved characters without an escape, and other escapes in upper case: ~ for %7E, %2F for %2f",
  ],
  [
    "/a%2fb",
    "unreserved characters without an escape, and other escapes in upper case: ~ for %7E, %2F for %2f",
  ],
  ["/a*", "* as a whole part, ** as the whole last segment, and %2A for a star of the path itself"],
  ["/**/a", "* as a whole part, ** as the whole last segment, and %2A for a star of the path itself"],
  [`/${"a".repeat(4_096)}`, "a path of at most 4096 characters"],
])("the refusal of %j says which rule it breaks: %s", (text, expected) => {
  expect(parsePathPattern(text)).toEqual(err(expected));
});

test("a pattern has at most 4,096 characters", () => {
  const longest = `/${"a".repeat(MAX_PATH_PATTERN_LENGTH - 1)}`;
  expect(parsePathPattern(longest).ok).toBe(true);
  expect(parsePathPattern(`${longest}a`).ok).toBe(false);
});

/** The meaning of a pattern, as a recursion over its parts. */
function admitsByParts(pattern: readonly string[], path: readonly string[]): boolean {
  const [first, ...others] = pattern;
  if (first === undefined) return path.length === 0;
  if (first === "/**") return path.length === 0 || (path[0] ?? "").startsWith("/");
  const [part, ...rest] = path;
  if (part === undefined) return false;
  const isStar = first === "/*" || first === "%2F*";
  const separator = first.startsWith("/") ? "/" : "%2F";
  const admitted = isStar ? part.startsWith(separator) && part.length > separator.length : part === first;
  return admitted && admitsByParts(others, rest);
}

/** Splits a path into its parts, each with the separator before it. */
function partsOf(path: string): readonly string[] {
  return path.split(/(?=\/|%2F)/);
}

test("a pattern admits exactly what its parts admit", () => {
  const separator = fc.constantFrom("/", "/", "%2F");
  const name = fc.constantFrom("a", "b", "*", "", "%2A", "%20", "a;x");
  const parts = fc
    .array(fc.tuple(separator, name), { minLength: 1, maxLength: 5 })
    .map(([[, first] = ["", "a"], ...others]) => `/${first}${others.map((part) => part.join("")).join("")}`);
  const pattern = fc.tuple(parts, fc.boolean()).map(([text, isOpen]) => (isOpen ? `${text}/**` : text));
  const path = parts.map((text) => text.replaceAll("*", "b"));
  let admitted = 0;
  fc.assert(
    fc.property(pattern, path, (text, raw) => {
      const expected = admitsByParts(partsOf(text), partsOf(raw));
      if (expected) admitted += 1;
      expect(admits(text, raw)).toBe(expected);
    }),
    { numRuns: 20_000 },
  );
  expect(admitted).toBeGreaterThan(500);
});

test("a pattern without stars admits the one path that it is", () => {
  fc.assert(
    fc.property(fc.webPath(), (raw) => {
      const path = canonicalizePath(raw || "/", ANY);
      fc.pre(path.ok && !path.value.includes("*"));
      if (path.ok) expect(admits(path.value, path.value)).toBe(true);
    }),
  );
});
