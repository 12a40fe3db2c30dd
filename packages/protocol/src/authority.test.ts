import fc from "fast-check";
import { expect, test } from "vitest";

import { normalizeAuthority, parseAuthority } from "./authority.ts";
import { urlOf } from "./url.ts";

test.each([
  "localhost",
  "localhost:8443",
  "membrane.amzn-us-east-1.capability.io",
  "EXAMPLE.com:443",
  "xn--bcher-kva.example",
  "a_b.example",
  "127.0.0.1",
  "127.0.0.1:65535",
  "[::1]",
  "[2001:DB8::1]:8443",
  "[::ffff:127.0.0.1]",
  `${"a".repeat(63)}.example`,
])("%s is an authority", (text) => {
  expect(parseAuthority(text)).toBe(text);
});

test.each([
  ["nothing", ""],
  ["a user", "user@example.com"],
  ["an empty user", "@example.com"],
  ["a port alone", ":443"],
  ["an empty port", "example.com:"],
  ["port 0", "example.com:0"],
  ["a port with a leading zero", "example.com:0443"],
  ["a port over 65535", "example.com:65536"],
  ["a path", "example.com/"],
  ["a query", "example.com?x"],
  ["a fragment", "example.com#x"],
  ["a backslash", "example.com\\x"],
  ["an escape", "ex%61mple.com"],
  ["a trailing dot", "example.com."],
  ["an empty label", "example..com"],
  ["white space", "example.com "],
  ["a line feed", "example.com\n"],
  ["a non-ASCII letter", "bücher.example"],
  ["a full-width digit", "１27.0.0.1"],
  ["a label of 64 characters", `${"a".repeat(64)}.example`],
  ["a name of 254 characters", `${"abcdefghi.".repeat(25)}abcd`],
  ["a short spelling of loopback", "127.1"],
  ["a decimal spelling of loopback", "2130706433"],
  ["a hexadecimal spelling of loopback", "0x7f.0.0.1"],
  ["an octal spelling of loopback", "0177.0.0.1"],
  ["an IPv4 address out of range", "256.0.0.1"],
  ["IPv6 without brackets", "::1"],
  ["an open bracket", "[::1"],
  ["an IPv6 zone", "[fe80::1%25eth0]"],
  ["brackets around a name", "[localhost]"],
  ["empty brackets", "[]"],
])("%s is not an authority", (_, text) => {
  expect(parseAuthority(text)).toBeUndefined();
});

test("a URL parser finds the same host and port in every accepted authority", () => {
  const label = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
  const port = fc.option(fc.integer({ min: 0, max: 70_000 }), { nil: undefined });
  fc.assert(
    fc.property(fc.oneof(name, fc.string(), fc.ipV4(), fc.ipV4Extended()), port, (host, number) => {
      const text = number === undefined ? host : `${host}:${number}`;
      if (parseAuthority(text) === undefined) return;
      const url = new URL(`https://${text}/`);
      expect(url.hostname).toBe(host.toLowerCase());
      expect(url.port).toBe(number === undefined || number === 443 ? "" : String(number));
      expect(url.href).toBe(`https://${url.host}/`);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ["Example.COM", "example.com"],
  ["example.com:443", "example.com"],
  ["example.com:8443", "example.com:8443"],
  ["[2001:DB8:0::1]:443", "[2001:db8::1]"],
  ["[::FFFF:127.0.0.1]", "[::ffff:7f00:1]"],
])("%s names the same service as %s", (text, normal) => {
  const authority = parseAuthority(text);
  expect(authority).toBeDefined();
  expect(normalizeAuthority(authority!)).toBe(normal);
});

test("the URL parser decides whether invalid punycode is a name: Node 20 refuses it, Node 24 accepts it", () => {
  const isName = urlOf("https://xn--a.example/") !== undefined;
  expect(parseAuthority("xn--a.example") !== undefined).toBe(isName);
});
