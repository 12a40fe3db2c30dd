import fc from "fast-check";
import { expect, test } from "vitest";

import type { Authority } from "../authority.ts";
import { parseAuthority } from "../authority.ts";
import { formatTargetUri, originOfAuthority, parseTargetUri, readTargetUri } from "./target-uri.ts";

/** Returns the canonical form of an accepted URI, or the refusal. */
function canonicalForm(uri: unknown): unknown {
  const parsed = parseTargetUri(uri);
  return parsed.ok ? formatTargetUri(parsed.value) : parsed.error;
}

test.each([
  ["https://example.com", "https://example.com/"],
  ["HTTP://EXAMPLE.com:80/A", "http://example.com/A"],
  ["https://example.com:443/", "https://example.com/"],
  ["HTTPS://example.com:8443?c=d", "https://example.com:8443/?c=d"],
  ["https://example.com//a//", "https://example.com//a//"],
  ["https://example.com/.a/..b/...?../;|^`{}", "https://example.com/.a/..b/...?../;|^`{}"],
  ["https://example.com/%c3%A9%7e'()*|:@?%2e%2E&&=", "https://example.com/%c3%A9%7e'()*|:@?%2e%2E&&="],
  ["https://bücher.example/", "https://xn--bcher-kva.example/"],
  ["https://2130706433/", "https://127.0.0.1/"],
  ["https://0x7f.1/", "https://127.0.0.1/"],
  ["https://[::FFFF:127.0.0.1]/", "https://[::ffff:7f00:1]/"],
  ["https://１27.0.0.1/", "https://127.0.0.1/"],
  ["https://example.com/a@b:c", "https://example.com/a@b:c"],
  ["https://example.com/??", "https://example.com/??"],
])("%s is kept in its canonical form", (uri, canonical) => {
  expect(canonicalForm(uri)).toBe(canonical);
});

test("a host with letters outside ASCII is accepted however many URIs were parsed before", () => {
  const refused = Array.from({ length: 20_000 }, () => parseTargetUri("https://bücher.example/")).filter(
    ({ ok }) => !ok,
  );
  expect(refused).toEqual([]);
});

const SENT_AS_WRITTEN = "an absolute http or https URI that is sent exactly as written; ";

test.each([
  ["/bucket/a/..", "segment 3 of the path is a dot segment, which URL parsers resolve"],
  ["/bucket/users/../admin/key", "segment 3 of the path is a dot segment, which URL parsers resolve"],
  ["/%2e%2E/a", "segment 1 of the path is a dot segment, which URL parsers resolve"],
  ["/a/.%2e?b", "segment 2 of the path is a dot segment, which URL parsers resolve"],
  ["/a/./b", "segment 2 of the path is a dot segment, which URL parsers resolve"],
  ["/.", "segment 1 of the path is a dot segment, which URL parsers resolve"],
  ["/é", "character 2 of the path, U+00E9, has to be percent-encoded"],
  ["/é/../", "character 2 of the path, U+00E9, has to be percent-encoded"],
  ["/../é", "segment 1 of the path is a dot segment, which URL parsers resolve"],
  ["/a\u{1F600}", "character 3 of the path, U+1F600, has to be percent-encoded"],
  ['/"', 'character 2 of the path, " (U+0022), has to be percent-encoded'],
  ["/<a>", "character 2 of the path, < (U+003C), has to be percent-encoded"],
  ["/a>", "character 3 of the path, > (U+003E), has to be percent-encoded"],
  ["/`", "character 2 of the path, ` (U+0060), has to be percent-encoded"],
  ["/{id}", "character 2 of the path, { (U+007B), has to be percent-encoded"],
  ["/}", "character 2 of the path, } (U+007D), has to be percent-encoded"],
  ["?a='b'", "character 3 of the query, ' (U+0027), has to be percent-encoded"],
  ['/?"', 'character 1 of the query, " (U+0022), has to be percent-encoded'],
  ["/?a=<", "character 3 of the query, < (U+003C), has to be percent-encoded"],
  ["/?a=>", "character 3 of the query, > (U+003E), has to be percent-encoded"],
  ["/?é=1", "character 1 of the query, U+00E9, has to be percent-encoded"],
  ["?", "the query is empty: leave out the question mark"],
  ["/a?", "the query is empty: leave out the question mark"],
  ["/é?", "character 2 of the path, U+00E9, has to be percent-encoded"],
])(
  "%j is refused, since a URL parser would change it, and the first part that would change is named",
  (rest, named) => {
    expect(parseTargetUri(`https://Example.com${rest}`)).toEqual({
      ok: false,
      error: { field: "uri", expected: SENT_AS_WRITTEN + named },
    });
  },
);

test("an accepted path and query are kept byte for byte", () => {
  const pieces = fc.constantFrom(
    ..."/ // . .. %2e %2F %41 ; = & ? a Z ~ ' \" < > ` { } | ^ [ ] ! $ ( ) * + , : @ é %".split(" "),
  );
  const rest = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(rest, (written) => {
      const parsed = parseTargetUri(`https://example.com/${written}`);
      const url = new URL(`https://example.com/${written}`);
      const hasEmptyQuery = url.search === "" && url.href.endsWith("?");
      expect(parsed.ok).toBe(url.href === `https://example.com/${written}` && !hasEmptyQuery);
      if (!parsed.ok) return;
      expect(formatTargetUri(parsed.value)).toBe(`https://example.com/${written}`);
      expect([parsed.value.path, parsed.value.query]).toEqual([url.pathname, url.search.slice(1)]);
    }),
    { numRuns: 3000 },
  );
});

test.each([
  ["a URI", `https://example.com/${"a".repeat(65_536)}`, "at most 65536 characters"],
  ["a host", `https://${"a.".repeat(127)}/`, "a host of at most 253 characters"],
  [
    "a host that its encoding makes longer",
    `https://${"éü.".repeat(40)}/`,
    "a host of at most 253 characters",
  ],
  ["a host in escapes", `https://${"%61".repeat(700)}/`, "a host of at most 253 characters"],
])("%s that is too long is refused by its length", (_, uri, expected) => {
  const parsed = parseTargetUri(uri);
  expect(parsed).toMatchObject({
    ok: false,
    error: { field: "uri", expected: expect.stringContaining(expected) },
  });
});

test("a host has up to 253 characters", () => {
  const host = `${"a.".repeat(126)}a`;
  expect(canonicalForm(`https://${host}/`)).toBe(`https://${host}/`);
});

test.each([
  ["nothing", ""],
  ["a number", 1],
  ["an object", { href: "https://example.com/" }],
  ["undefined", undefined],
  ["a relative URI", "/a"],
  ["a URI without scheme", "//example.com/"],
  ["a URI without slashes", "https:example.com"],
  ["a URI with one slash", "https:/example.com"],
  ["a URI with three slashes", "https:///example.com"],
  ["another scheme", "ftp://example.com/"],
  ["a file", "file:///etc/passwd"],
  ["a blob", "blob:https://example.com/1"],
  ["a script", "javascript:alert(1)"],
  ["a web socket", "wss://example.com/"],
  ["no host", "https://"],
  ["a port without host", "https://:443/"],
  ["a user", "https://user@example.com/"],
  ["a user and a password", "https://user:pass@example.com/"],
  ["an empty user", "https://@example.com/"],
  ["an empty user and password", "https://:@example.com/"],
  ["a user after an escape", "https://example.com%40@internal/"],
  ["a fragment", "https://example.com/#a"],
  ["an empty fragment", "https://example.com/#"],
  ["port 0", "https://example.com:0/"],
  ["port 00", "https://example.com:00/"],
  ["a port over 65535", "https://example.com:65536/"],
  ["a zone id", "https://[fe80::1%25eth0]/"],
  ["a bare zone id", "https://[fe80::1%eth0]/"],
  ["a space at the start", " https://example.com/"],
  ["a space at the end", "https://example.com/ "],
  ["a space inside", "https://example.com/a b"],
  ["a tab inside", "https://exa\tmple.com/"],
  ["a line feed inside", "https://exa\nmple.com/"],
  ["a line feed at the end", "https://example.com/\n"],
  ["NUL", "https://example.com/\0"],
  ["DEL", "https://example.com/\u007f"],
  ["a C1 control", "https://example.com/\u0085"],
  ["a no-break space", "https://example.com/\u00a0"],
  ["a byte order mark", "\ufeffhttps://example.com/"],
  ["a backslash after the scheme", "https:\\\\example.com/"],
  ["a backslash after the host", "https://example.com\\a"],
  ["a backslash in the path", "https://example.com/a\\b"],
  ["a backslash in the authority", "https://example.com\\@internal/"],
  ["a lone surrogate", "https://example.com/\ud800"],
  ["an escape in the host that hides a slash", "https://example.com%2finternal/"],
  ["a forbidden character in the host", "https://exa|mple.com/"],
])("%s is not a target URI", (_, uri) => {
  expect(parseTargetUri(uri)).toMatchObject({ ok: false, error: { field: "uri" } });
});

test("the canonical form is a fixed point, and it names one host without user and fragment", () => {
  const pieces = fc.constantFrom(
    ..."https:// http:// example.com 127.1 [::1] @ : / // \\ ? # %2f %2e . .. é ａ \t a=b & :80 :0".split(
      " ",
    ),
  );
  const text = fc.array(pieces, { maxLength: 9 }).map((parts) => `https://${parts.join("")}`);
  fc.assert(
    fc.property(fc.oneof(text, fc.webUrl(), fc.string()), (input) => {
      const parsed = parseTargetUri(input);
      if (!parsed.ok) return;
      const text = formatTargetUri(parsed.value);
      const url = new URL(text);
      expect(parseTargetUri(text)).toEqual(parsed);
      expect(readTargetUri(text)).toEqual(parsed.value);
      expect(text).toMatch(/^https?:\/\/[^/@\\#]+\/[!-~]*$/);
      expect(text).toBe(`${url.origin}${url.pathname}${text.slice(url.origin.length + url.pathname.length)}`);
      expect([url.username, url.password, url.hash]).toEqual(["", "", ""]);
    }),
    { numRuns: 3000 },
  );
});

test.each([
  ["https://Example.com", ["https", "example.com", 443, "example.com", "https://example.com"]],
  ["http://example.com/", ["http", "example.com", 80, "example.com", "http://example.com"]],
  ["http://example.com:443/", ["http", "example.com", 443, "example.com:443", "http://example.com:443"]],
  ["https://example.com:443/", ["https", "example.com", 443, "example.com", "https://example.com"]],
  ["https://example.com:80/", ["https", "example.com", 80, "example.com:80", "https://example.com:80"]],
  ["https://example.com./", ["https", "example.com", 443, "example.com.", "https://example.com."]],
  ["https://example.com..:1/", ["https", "example.com", 1, "example.com..:1", "https://example.com..:1"]],
  ["https://0x7f.1./", ["https", "127.0.0.1", 443, "127.0.0.1", "https://127.0.0.1"]],
  ["http://[::FFFF:127.0.0.1]/", ["http", "::ffff:7f00:1", 80, "[::ffff:7f00:1]", "http://[::ffff:7f00:1]"]],
  ["https://[::1]:8443/", ["https", "::1", 8443, "[::1]:8443", "https://[::1]:8443"]],
])("the origin of %s has a port, and its host in canonical form", (uri, parts) => {
  const parsed = parseTargetUri(uri);
  if (!parsed.ok) return expect.fail(parsed.error.expected);
  const { scheme, hostname, port, host, serialized } = parsed.value.origin;
  expect([scheme, hostname, port, host, serialized]).toEqual(parts);
});

test("the origin of any URI is the one to which a URL parser would connect", () => {
  const url = fc.webUrl({
    validSchemes: ["http", "https"],
    authoritySettings: { withPort: true, withIPv6: true },
  });
  fc.assert(
    fc.property(url, (text) => {
      const origin = readTargetUri(text)?.origin;
      const parsed = new URL(text);
      expect(origin?.host).toBe(parsed.host);
      expect(`${origin?.scheme}:`).toBe(parsed.protocol);
      expect(origin?.port).toBe(Number(parsed.port || (parsed.protocol === "https:" ? 443 : 80)));
      expect(origin?.hostname).toBe(parsed.hostname.replace(/^\[|\]$|\.+$/g, ""));
      expect(origin?.serialized).toBe(parsed.origin);
    }),
  );
});

test.each([
  "",
  "example.com",
  "ftp://example.com/",
  "file:///etc/passwd",
  "https://",
  "https:///a",
  "https://a b/",
])("%j is read as no URI", (text) => {
  expect(readTargetUri(text)).toBeUndefined();
});

test("a stored URI is read even if today's rules refuse it", () => {
  const text = "https://example.com/a/../b?'";
  expect(parseTargetUri(text).ok).toBe(false);
  expect(readTargetUri(text)).toMatchObject({ path: "/b", query: "%27" });
});

test.each([
  ["Gateway.Example", "gateway.example", 443],
  ["localhost:8443", "localhost", 8443],
  ["[2A00::9]:8443", "2a00::9", 8443],
])("the service of %s is reached over https", (text, hostname, port) => {
  expect(originOfAuthority(parseAuthority(text)!)).toMatchObject({ scheme: "https", hostname, port });
});

test.each(["a:0", "a:65536", "a:b", "a:1:2", "user@a", ""])(
  "%j is not an authority with an origin",
  (text) => {
    expect(() => originOfAuthority(text as Authority)).toThrow(TypeError);
  },
);
