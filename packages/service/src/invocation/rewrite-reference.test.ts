import { canonicalizePath } from "capability-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { preparedTarget } from "../../../testkit/src/fixtures.ts";
import { resolveBelowBase } from "./references.ts";
import { rewriteReference } from "./rewrite-reference.ts";

const OWN = "https://membrane.test:8443";
const OPEN = { uri: "https://target.example/v1", allowPath: true, allowQuery: true };

/** @param sent path and query that were sent. */
function rewrite(reference: string, body: object = {}, sent = "/v1/items?page=1"): string | undefined {
  const target = preparedTarget({ ...OPEN, ...body });
  const below = resolveBelowBase(target.base, target.base.origin + sent, reference);
  return below === undefined ? undefined : rewriteReference(target, OWN, below);
}

test.each([
  ["https://target.example/v1/items/7", "/items/7"],
  ["//target.example/v1/items", "/items"],
  ["/v1/items?page=2&size=5#top", "/items?page=2&size=5#top"],
  ["?page=2", "/items?page=2"],
  ["7", "/7"],
  ["items/7", "/items/7"],
  ["", "/items?page=1"],
  ["#part", "/items?page=1#part"],
  [".", undefined],
  ["/v1", "/"],
  ["/v1?page=2", "/?page=2"],
  ["/v1/items/", "/items/"],
  ["/v1/a/../b", "/b"],
  ["/v1/a/%2e%2E/b", "/b"],
  ["/v1/%7euser/%c3%a9", "/~user/%C3%A9"],
  ["/v1/items?", "/items"],
])("%s is rewritten to %s of this service", (reference, expected) => {
  expect(rewrite(reference)).toBe(expected === undefined ? undefined : OWN + expected);
});

test.each([
  "https://other.example/v1/items",
  "https://target.example/v2",
  "https://target.example/v10/items",
  "../admin",
  "/v1/a%2fb",
  "/v1/a//b",
  "/v1/..;/b",
  "/v1/..%2fb",
  "/v1/%252e%252e/b",
  "/v1/%00",
  "/v1/%ff",
  "/v1/%zz",
  "/v1/a;/.../b",
])("%s is not rewritten: it leads elsewhere, or the service would refuse its path", (reference) => {
  expect(rewrite(reference)).toBeUndefined();
});

test("the openings of the target decide about encoded slashes and empty segments", () => {
  expect(rewrite("/v1/@scope%2fname", { encodedSlash: true })).toBe(`${OWN}/@scope%2Fname`);
  expect(rewrite("/v1/a//b", { emptySegments: true })).toBe(`${OWN}/a//b`);
  expect(rewrite("/v1//evil.example/", { emptySegments: true })).toBe(`${OWN}//evil.example/`);
});

test("a slash at the end of the target's path counts, since the service sends / to one of both paths alone", () => {
  const withSlash = { uri: "https://target.example/v1/" };
  expect(rewrite("/v1/", withSlash)).toBe(`${OWN}/`);
  expect(rewrite("/v1", withSlash)).toBeUndefined();
  expect(rewrite("/v1/a", withSlash)).toBe(`${OWN}/a`);
  expect(rewrite("/v1/")).toBeUndefined();
  const root = { uri: "https://target.example/" };
  expect(rewrite("/", root)).toBe(`${OWN}/`);
  expect(rewrite("https://target.example", root)).toBe(`${OWN}/`);
});

test("the pairs of the target's own query are removed in any escapes and order, since the service adds them", () => {
  const keyed = { uri: "https://target.example/v1?api_key=a%2Bb&v=%C3%A9" };
  for (const query of [
    "api_key=a%2Bb&v=%C3%A9&page=2",
    "page=2&v=%c3%a9&api%5Fkey=a%2bb",
    "v=%C3%A9&page=2",
    "page=2",
  ])
    expect(rewrite(`/v1/items?${query}`, keyed)).toBe(`${OWN}/items?page=2`);
  expect(rewrite("", keyed, "/v1?api_key=a%2Bb&v=%C3%A9")).toBe(`${OWN}/`);
});

test("a reference is not rewritten if the service would refuse the rest of its query", () => {
  const versioned = { uri: "https://target.example/v1?v=1" };
  expect(rewrite("/v1/a?v=2", versioned)).toBeUndefined();
  expect(rewrite("/v1/a?v=1&v=2", versioned)).toBeUndefined();
  expect(rewrite("/v1/a?v=1", { ...versioned, allowQuery: false })).toBe(`${OWN}/a`);
  expect(rewrite("/v1/a?b", { ...versioned, allowQuery: false })).toBeUndefined();
  expect(rewrite("/v1/a?b=c&v=1", { ...versioned, allowQuery: ["b"] })).toBe(`${OWN}/a?b=c`);
  expect(rewrite("/v1/a?b=c&d", { ...versioned, allowQuery: ["b"] })).toBeUndefined();
  const headers = { Authorization: "Bearer a" };
  expect(rewrite("/v1/a?api_key=b", { headers })).toBeUndefined();
});

test("a reference of another authority is rewritten whatever its path and query, which that authority checks", () => {
  const target = preparedTarget({ capability: `cpblty://other.example/#CPBLTY1-${"A".repeat(86)}` });
  const below = resolveBelowBase(target.base, "https://other.example/", "/a%2Fb//c?api_key=d");
  expect(rewriteReference(target, OWN, below!)).toBe(`${OWN}/a%2Fb//c?api_key=d`);
});

const PARTS = [
  ["/", "//", "/v1", "/v1/", "v1", "a", "b", ".", "..", "%2e", "%2E", "%252e", "%2f", "%5c", "%25", "%"],
  [";", ":", "@", "?", "#", "&", "=", "k=1", "\\", " ", "\t", "é", "[", "]", "+", "*", "~", "%7e", "%C3%A9"],
  ["https://", "http://", "https:", "target.example", "other.example", ".other.example", ":443", ":8443"],
].flat();

const reference = fc.array(fc.constantFrom(...PARTS), { maxLength: 12 }).map((parts) => parts.join(""));
const uri = fc.constantFrom(
  "https://target.example/",
  "https://target.example/v1",
  "https://target.example/v1/",
  "https://target.example/v1/a?k=1",
  "http://target.example:8443/v1?k=1",
);

test("whatever a target refers to, the rewritten URI leads to this service, on a path that it accepts as it is", () => {
  let rewritten = 0;
  fc.assert(
    fc.property(uri, reference, fc.boolean(), fc.boolean(), (target, text, encodedSlash, emptySegments) => {
      const { pathname, search } = new URL(target);
      const openings = { encodedSlash, emptySegments };
      const result = rewrite(text, { uri: target, ...openings }, pathname + search);
      if (result === undefined) return;
      rewritten += 1;
      expect(result.startsWith(`${OWN}/`)).toBe(true);
      expect(result).toMatch(/^[\w\-.~:/?#[\]@!$&'()*+,;=%]*$/);
      const url = new URL(result);
      expect(url.href).toBe(result);
      expect([url.origin, url.username, url.password]).toEqual([OWN, "", ""]);
      expect(canonicalizePath(url.pathname, openings)).toEqual({ ok: true, value: url.pathname });
    }),
    { numRuns: 5_000 },
  );
  expect(rewritten).toBeGreaterThan(300);
});

test("a client that follows the rewritten URI reaches what the target referred to", () => {
  fc.assert(
    fc.property(uri, reference, (target, text) => {
      const { origin, pathname, search } = new URL(target);
      const result = rewrite(text, { uri: target, emptySegments: true }, pathname + search);
      if (result === undefined) return;
      const { pathname: path, search: query, hash } = new URL(result);
      // As the service joins a client's path and query to its target.
      const joined = path === "/" ? pathname : pathname.replace(/\/$/, "") + path;
      const meant = new URL(text, target);
      expect([origin, normalize(joined), hash]).toEqual([
        meant.origin,
        normalize(meant.pathname),
        meant.hash,
      ]);
      const own = search.slice(1);
      const rest = meant.search.slice(1).split("&");
      expect(query.slice(1)).toBe(rest.filter((pair) => own === "" || pair !== own).join("&"));
    }),
    { numRuns: 5_000 },
  );
});

/** Escapes in upper case, and unreserved characters without (RFC 3986 §6.2.2). */
function normalize(path: string): string {
  return path
    .replace(/%[0-9a-f]{2}/gi, (escape) => escape.toUpperCase())
    .replaceAll("%7E", "~")
    .replaceAll("%2E", ".");
}
