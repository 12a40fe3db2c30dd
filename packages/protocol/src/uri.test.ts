import { randomBytes } from "node:crypto";

import fc from "fast-check";
import { expect, test } from "vitest";

import { parseAuthority } from "./authority.ts";
import { encodeBase64url } from "./base64url.ts";
import { formatToken } from "./token.ts";
import { type CapabilityUri, formatCapabilityUri, parseCapabilityUri, resolveEndpoint } from "./uri.ts";

const token = fc.uint8Array({ minLength: 64, maxLength: 64 }).map(formatToken);

const authority = fc
  .tuple(
    fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((address) => `[${address}]`),
    ),
    fc.option(fc.integer({ min: 1, max: 65_535 })),
  )
  .map(([host, port]) => parseAuthority(port === null ? host : `${host}:${port}`))
  .filter((parsed) => parsed !== undefined);

const capabilityUri: fc.Arbitrary<CapabilityUri> = fc.oneof(
  fc.record({ kind: fc.constant("authority" as const), authority, token }),
  fc.record(
    {
      kind: fc.constant("key" as const),
      capabilityAuthority: fc.uint8Array({ minLength: 1, maxLength: 70 }).map(encodeBase64url),
      scheme: fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,9}$/),
      token,
    },
    { requiredKeys: ["kind", "capabilityAuthority", "token"] },
  ),
);

test("a formatted URI is parsed to the same value, in both forms", () => {
  fc.assert(
    fc.property(capabilityUri, (uri) => {
      expect(parseCapabilityUri(formatCapabilityUri(uri))).toEqual(uri);
    }),
    { numRuns: 500 },
  );
});

test("a parsed URI is formatted to the same text: there is one spelling", () => {
  fc.assert(
    fc.property(
      capabilityUri.map(formatCapabilityUri),
      fc.nat(),
      fc.string({ maxLength: 2 }),
      (text, at, inserted) => {
        const position = at % (text.length + 1);
        const changed = text.slice(0, position) + inserted + text.slice(position);
        const parsed = parseCapabilityUri(changed);
        if (parsed !== undefined) expect(formatCapabilityUri(parsed)).toBe(changed);
      },
    ),
    { numRuns: 1000 },
  );
});

const t = formatToken(randomBytes(64));

test.each([
  ["another scheme", `https://example.com/#${t}`],
  ["the scheme in upper case", `CPBLTY://example.com/#${t}`],
  ["no slash before the fragment", `cpblty://example.com#${t}`],
  ["a path", `cpblty://example.com/a#${t}`],
  ["a query", `cpblty://example.com/?a#${t}`],
  ["a user", `cpblty://user@example.com/#${t}`],
  ["no authority", `cpblty:///#${t}`],
  ["white space around it", ` cpblty://example.com/#${t}`],
  ["a line feed at the end", `cpblty://example.com/#${t}\n`],
  ["a second fragment", `cpblty://example.com/#${t}#`],
  ["no token", "cpblty://example.com/#"],
  ["a token in another spelling", `cpblty://example.com/#${t.slice(0, -1)}B`],
  ["an empty key", `cpblty::${t}`],
  ["a key in another spelling", `cpblty:QR:${t}`],
  ["an empty scheme of the key", `cpblty:QQ@:${t}`],
  ["a scheme of the key that begins with a digit", `cpblty:QQ@1a:${t}`],
  ["two schemes of the key", `cpblty:QQ@a@b:${t}`],
])("a text with %s is not a capability URI", (_, text) => {
  expect(parseCapabilityUri(text)).toBeUndefined();
});

test("the authority form resolves to the root of its authority over https", () => {
  const uri = parseCapabilityUri(`cpblty://[::1]:8443/#${t}`);
  expect(resolveEndpoint(uri!)).toEqual({
    ok: true,
    value: { authority: "[::1]:8443", url: "https://[::1]:8443/", token: t },
  });
});

test("the key form is refused with the reason, without the token", () => {
  const resolved = resolveEndpoint(parseCapabilityUri(`cpblty:QQ@x:${t}`)!);
  expect(resolved).toMatchObject({ ok: false, error: { field: "capability" } });
  expect(JSON.stringify(resolved)).toContain("has no resolver");
  expect(JSON.stringify(resolved)).not.toContain(t);
});
