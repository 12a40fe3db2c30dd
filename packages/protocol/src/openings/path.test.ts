import fc from "fast-check";
import { expect, test } from "vitest";

import { type PathOpenings, canonicalizePath } from "./path.ts";
import { ACCEPTED_PATHS, REFUSED_PATHS } from "./path.vectors.ts";

test.each(ACCEPTED_PATHS)("the path %s with %o is canonically %s", (raw, openings, canonical) => {
  expect(canonicalizePath(raw, openings)).toEqual({ ok: true, value: canonical });
});

test.each(REFUSED_PATHS)("the path %s with %o is refused, and the message names the rule %s", (...row) => {
  const [raw, openings, rule] = row;
  expect(canonicalizePath(raw, openings)).toMatchObject({
    ok: false,
    error: { rule, message: expect.stringContaining(`(${rule})`) },
  });
});

test("a question mark is refused, since what follows it would be a query", () => {
  expect(canonicalizePath("/a?b", { encodedSlash: true, emptySegments: true })).toMatchObject({
    error: { rule: "character" },
  });
});

test("each visible ASCII character is kept, decoded, or refused, raw and escaped", () => {
  const characters = Array.from({ length: 94 }, (_, at) => String.fromCharCode(0x21 + at));
  const strict = { encodedSlash: false, emptySegments: false };
  const show = (character: string, raw: string): string => {
    const path = canonicalizePath(raw, strict);
    return path.ok ? path.value.slice(2) : `${character} ${path.error.rule}`;
  };
  const raw = characters.filter((character) => character !== "/" && character !== "%");
  expect(raw.map((character) => show(character, `/a${character}`)).join("")).toBe(
    "!\" character# character$&'()*+,-.0123456789:;< character=> character? character@ABCDEFGHIJKLMNOPQRSTUVWXYZ" +
      "[\\ character]^ character_` characterabcdefghijklmnopqrstuvwxyz{ character| character} character~",
  );
  const escaped = characters.map((character) => {
    const escape = `%${character.charCodeAt(0).toString(16)}`;
    return show(character, `/a${escape}`);
  });
  expect(escaped.join("")).toBe(
    "%21%22%23%24%25%26%27%28%29%2A%2B%2C-./ encoded-slash0123456789%3A%3B%3C%3D%3E%3F%40" +
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B\\ control%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~",
  );
});

/** What attackers combine: separators, dots, escapes of them, and the pieces of escapes. */
const PIECES = [
  ..."/.;%25efEF03ab ",
  ..."%2f %2F %2e %2E %25 %3b %3B %20 %5c %32 %35 %65 %00 %0a %7f %3f %23 %c3%a9 // .. %252e %2520 ..%3b ..%3f ..%23".split(
    " ",
  ),
];

const rawPath = fc
  .array(fc.constantFrom(...PIECES), { maxLength: 12 })
  .map((pieces) => `/${pieces.join("")}`);
const openings: fc.Arbitrary<PathOpenings> = fc.record({
  encodedSlash: fc.boolean(),
  emptySegments: fc.boolean(),
});

/** Runs a property of accepted paths. */
function forAccepted(check: (path: string, openings: PathOpenings) => void): void {
  let accepted = 0;
  fc.assert(
    fc.property(rawPath, openings, (raw, allowed) => {
      const path = canonicalizePath(raw, allowed);
      if (!path.ok) return;
      accepted += 1;
      check(path.value, allowed);
    }),
    { numRuns: 20_000 },
  );
  expect(accepted).toBeGreaterThan(500);
}

/** Decodes once, byte by byte, as servers do: an incomplete escape stays as it is. */
function decode(path: string): string {
  return path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** The path after zero, one, two, … decodings, until nothing changes. */
function decodings(path: string): readonly string[] {
  const next = decode(path);
  return next === path ? [path] : [path, ...decodings(next)];
}

test("the canonical form of a canonical path is itself", () => {
  forAccepted((path, allowed) => {
    expect(canonicalizePath(path, allowed)).toEqual({ ok: true, value: path });
  });
});

test("no accepted path has a dot segment, before a semicolon, a query or a fragment either, after any number of decodings", () => {
  forAccepted((path) => {
    for (const decoded of decodings(path)) {
      for (const segment of decoded.split(/\/|%2F/i)) {
        expect(segment.replace(/(?:[;?#]|%(?:3[BF]|23)).*/is, "")).not.toMatch(/^(?: |%20)*\.[. ]*$/);
      }
    }
  });
});

test("no accepted path hides a slash, a control character or a backslash after any number of decodings", () => {
  forAccepted((path, { encodedSlash }) => {
    const slashes = path.split(encodedSlash ? /\/|%2F/ : "/").length;
    for (const decoded of decodings(path).slice(1)) {
      expect(decoded.split("/")).toHaveLength(slashes);
      expect(decoded).not.toMatch(/\p{Cc}(?<![\x80-\x9f])|\\/u);
    }
  });
});

test("a wider opening accepts what a narrower one accepts, with the same result", () => {
  forAccepted((path) => {
    const wide = canonicalizePath(path, { encodedSlash: true, emptySegments: true });
    expect(wide).toEqual({ ok: true, value: path });
  });
});

test("the WHATWG URL parser changes nothing in an accepted path", () => {
  forAccepted((path) => {
    expect(new URL(`https://a.invalid${path}`).pathname).toBe(path);
  });
});

/** Removes dot segments, and merges slashes (nginx: `merge_slashes on`, Tomcat: RequestUtil.normalize). */
function normalize(path: string): string {
  const kept: string[] = [];
  const segments = path.split("/").slice(1);
  for (const segment of segments) {
    if (segment === "..") kept.pop();
    else if (segment !== "." && segment !== "") kept.push(segment);
  }
  const isFolder = ["", ".", ".."].includes(segments.at(-1) ?? "");
  return `/${kept.join("/")}${isFolder && kept.length > 0 ? "/" : ""}`;
}

/** nginx decodes a path once and normalizes it, before it selects a location. */
function nginxPath(path: string): string {
  return normalize(decode(path));
}

/** Tomcat cuts the path parameters of each segment, decodes once, reads `\` as `/`, and normalizes. */
function tomcatPath(path: string): string {
  return normalize(decode(path.replaceAll(/;[^/]*/g, "")).replaceAll("\\", "/"));
}

/**
 * nginx with `proxy_pass http://backend$uri` sends the decoded path: the server behind it takes the rest for a query or a
 * fragment, and normalizes what is before it.
 */
function pathBehindNginx(path: string): string {
  return normalize(cutDecoded(path));
}

function cutDecoded(path: string): string {
  return decode(path).replace(/[?#].*/s, "");
}

test.each([
  ["/x/..%3F", "/"],
  ["/x/..%23", "/"],
  ["/repos/o/r/..%3fz", "/repos/o/"],
])("a server behind an nginx that decodes reads %s as %s, and it is refused", (raw, behind) => {
  expect(pathBehindNginx(raw)).toBe(behind);
  expect(canonicalizePath(raw, { encodedSlash: true, emptySegments: true }).ok).toBe(false);
});

test("a server behind an nginx that decodes is never led out of an accepted path", () => {
  forAccepted((path, { emptySegments }) => {
    if (!emptySegments) expect(pathBehindNginx(path)).toBe(cutDecoded(path));
  });
});

test.each([
  ["/a/..;x/b", "/a/..;x/b", "/b"],
  ["/a/;x/b", "/a/;x/b", "/a/b"],
  ["/a//b/%2e%2e/c", "/a/c", "/a/c"],
  ["/a%2f..%2fb/", "/b/", "/b/"],
])("nginx and Tomcat read %s as %s and %s, and it is refused", (raw, nginx, tomcat) => {
  expect([nginxPath(raw), tomcatPath(raw)]).toEqual([nginx, tomcat]);
  expect(canonicalizePath(raw, { encodedSlash: true, emptySegments: false }).ok).toBe(false);
});

test("nginx's and Tomcat's rules find the same segments in an accepted path as it has", () => {
  forAccepted((path, { emptySegments }) => {
    if (emptySegments) return;
    expect(nginxPath(path)).toBe(decode(path));
    expect(tomcatPath(path)).toBe(decode(path.replaceAll(/;[^/]*/g, "")));
  });
});
