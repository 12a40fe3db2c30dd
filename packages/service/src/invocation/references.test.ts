import { readTargetUri } from "capability-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { baseOf, mapLinks, resolveBelowBase } from "./references.ts";

const SENT = "https://target.example:8443/v1/items?page=1";
const BASE = baseOf(readTargetUri("https://target.example:8443/v1")!);

test.each([
  "https://target.example:8443/v1",
  "https://target.example:8443/v1/",
  "https://target.example:8443/v1/a?b#c",
  "HTTPS://TARGET.example:8443/v1/a",
  "//target.example:8443/v1/a",
  "/v1/a",
  "?page=2",
  "items/7",
  "#part",
  "",
  "../v1/a",
])("%s leads below the base", (reference) => {
  expect(resolveBelowBase(BASE, SENT, reference)).toBeDefined();
});

test.each([
  "https://target.example:8443/",
  "https://target.example:8443/v10",
  "https://target.example:8443/v1/../admin",
  "https://target.example:8443/v1/%2e%2e/admin",
  "https://target.example/v1/a",
  "http://target.example:8443/v1/a",
  "https://other.example:8443/v1/a",
  "https://target.example.other.example:8443/v1/a",
  "https://target.example:8443@other.example/v1/a",
  "https://user@target.example:8443/v1/a",
  "https://:pw@target.example:8443/v1/a",
  "//other.example/v1/a",
  "///other.example/v1/a",
  "/\\other.example/v1/a",
  "\\\\other.example/v1/a",
  "https:\\\\other.example/v1/a",
  "https://target.example:8443\\@other.example/v1/a",
  "https:/v1/a",
  "https:v1/a",
  "https:///target.example:8443/v1/a",
  "ftp://target.example:8443/v1/a",
  "javascript:alert(1)",
  "data:,a",
  "/v1/a b",
  " https://target.example:8443/v1/a",
  "https://tar\tget.example:8443/v1/a",
  "/v1/é",
  "/v1/<a>",
  "..",
  "../..",
  "/",
  "https://[::1",
])("%s does not lead below the base, or two readers differ on it", (reference) => {
  expect(resolveBelowBase(BASE, SENT, reference)).toBeUndefined();
});

test("the base of a whole origin takes all of it, and nothing of another", () => {
  const base = baseOf(readTargetUri("https://target.example/")!);
  expect(resolveBelowBase(base, "https://target.example/", "/anything")).toBeDefined();
  expect(resolveBelowBase(base, "https://target.example/", "https://target.example")).toBeDefined();
  expect(resolveBelowBase(base, "https://target.example/", "https://other.example/")).toBeUndefined();
});

test.each([
  ["/v1", "", "", ""],
  ["/v1/a?b=c#d", "/a", "b=c", "#d"],
  ["?b", "/items", "b", ""],
  ["#d", "/items", "page=1", "#d"],
  ["/v1/?", "/", "", ""],
  ["?a='%27#?'", "/items", "a='%27", "#?'"],
  ["https://target.example:8443/v1/a?b?c=/?d", "/a", "b?c=/?d", ""],
])("%s is taken apart at the end of the base", (reference, path, query, fragment) => {
  expect(resolveBelowBase(BASE, SENT, reference)).toEqual({ path, query, fragment });
});

const isKept = (reference: string): boolean => reference.startsWith("/v1/");
const keep = (reference: string): string | undefined => (isKept(reference) ? reference : undefined);

test.each([
  ["</v1/a>", "</v1/a>"],
  ["</v1/a>; rel=next , </v1/b>;rel=last", "</v1/a>; rel=next , </v1/b>;rel=last"],
  ["</a>; rel=next, </v1/b>; rel=last", "</v1/b>; rel=last"],
  ['</v1/a>; title="x, y"; rel=next, </b>', '</v1/a>; title="x, y"; rel=next'],
  ['</v1/a>; title="\\", </b>", </v1/c>', "</v1/c>"],
  ["</v1/a,b>, </v1/c>", "</v1/a,b>, </v1/c>"],
  [",, </v1/a>,", ",, </v1/a>,"],
  ["</a>", undefined],
  ["", undefined],
  ["/v1/a", undefined],
  ["rel=next; </v1/a>", undefined],
  ["</v1/a", undefined],
  ["</v1/a>; <", undefined],
  ['</v1/a>; title="<https://other.example/>; rel=next"', undefined],
  ['</v1/a>; title="open, <https://other.example/>; rel=next', undefined],
  ['</v1/a>; title="open, </v1/b>', '</v1/a>; title="open, </v1/b>'],
  ["<</v1/a>>", undefined],
  ["</v1/<a>", undefined],
])("of the field %j is kept %j", (field, kept) => {
  expect(mapLinks(field, keep)).toBe(kept);
});

test.each([
  ["</v1/a>; rel=next", "<o/v1/a>; rel=next"],
  ["</a>, </v1/b>;rel=last , </v1/c>", "<o/v1/b>;rel=last, <o/v1/c>"],
  ['</v1/a>; title="</v1/b>, x"; rel=next', '<o/v1/a>; title="<o/v1/b>, x"; rel=next'],
  ["</v1/a>></v1/b>", "<o/v1/a>><o/v1/b>"],
])("in the field %j each reference is replaced: %j", (field, mapped) => {
  expect(mapLinks(field, (reference) => (isKept(reference) ? `o${reference}` : undefined))).toBe(mapped);
});

test("whatever a field says, a client that looks for brackets finds none that lead elsewhere, however lines are joined", () => {
  const part = fc.constantFrom(
    "<",
    ">",
    "/v1/a",
    "/b",
    '"',
    "\\",
    ",",
    ";",
    " rel=next",
    "title=",
    " ",
    "</v1/a>",
    "</b>",
  );
  const field = fc.array(part, { maxLength: 30 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.array(field, { maxLength: 3 }), (fields) => {
      const kept = fields.flatMap((each) => mapLinks(each, keep) ?? []);
      for (const [, reference = ""] of kept.join(", ").matchAll(/<([^<>]*)>/g))
        expect(isKept(reference)).toBe(true);
      // Our own reader, given what it kept, keeps it all.
      for (const each of kept) expect(mapLinks(each, keep)).toBe(each);
    }),
    { numRuns: 10_000 },
  );
});

test("a field is read in one pass, whatever its shape", () => {
  for (const unit of ["<", ">", '"', "\\", ",", "<>", '<">', "</v1/a>,", '"\\', ", ", "<,"]) {
    let asked = 0;
    const field = unit.repeat(20_000);
    mapLinks(field, (reference) => {
      asked += reference.length + 1;
      return reference;
    });
    expect(asked).toBeLessThanOrEqual(field.length);
  }
});
