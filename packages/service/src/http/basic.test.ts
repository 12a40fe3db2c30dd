import { expect, test } from "vitest";
import { clientConnection, requestHeadOf } from "../../../testkit/src/fixtures.ts";
import { parseCidr } from "../net/address.ts";
import { acceptsBasic, challenge } from "./basic.ts";

const PROXY = "198.51.100.7";
const trustedProxies = [parseCidr(PROXY)!];

function accepts(
  connection: Parameters<typeof clientConnection>[0],
  ...rawHeaders: readonly string[]
): boolean {
  return acceptsBasic({ rawHeaders: [...rawHeaders], socket: clientConnection(connection) }, trustedProxies);
}

test.each(["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])(
  "Basic is accepted from %s without TLS",
  (remoteAddress) => {
    expect(accepts({ remoteAddress })).toBe(true);
  },
);

test.each(["192.0.2.1", "128.0.0.1", "::2", "100::1", "::ffff:10.0.0.1", ""])(
  "Basic is accepted from %j only with TLS",
  (remoteAddress) => {
    expect(accepts({ remoteAddress })).toBe(false);
    expect(accepts({ remoteAddress, encrypted: false })).toBe(false);
    expect(accepts({ remoteAddress, encrypted: true })).toBe(true);
  },
);

test("Basic is accepted from a trusted proxy whose client uses TLS, in every hop", () => {
  const proxy = { remoteAddress: PROXY };
  expect(accepts(proxy, "X-Forwarded-Proto", "https")).toBe(true);
  expect(accepts(proxy, "X-FORWARDED-PROTO", "HTTPS, https")).toBe(true);
  for (const lines of [
    [],
    ["X-Forwarded-Proto", ""],
    ["X-Forwarded-Proto", "http"],
    ["X-Forwarded-Proto", "https, http"],
    ["X-Forwarded-Proto", "https", "X-Forwarded-Proto", "http"],
    ["Forwarded", "proto=https"],
  ])
    expect(accepts(proxy, ...lines)).toBe(false);
  expect(accepts({}, "X-Forwarded-Proto", "https")).toBe(false);
});

test.each(["Sec-Fetch-Site", "sec-fetch-dest", "Origin"])(
  "Basic is neither accepted from nor offered to a request with %s, whatever its value",
  (name) => {
    for (const value of ["same-origin", "none", "null", "", "https://evil.test"]) {
      expect(accepts({ encrypted: true, remoteAddress: "127.0.0.1" }, name, value)).toBe(false);
      for (const path of ["/x", "/v2/"])
        expect(challenge(requestHeadOf({ path, rawHeaders: [name, value] }))).toBe("Bearer");
    }
  },
);

test.each([
  ["/", "Bearer"],
  ["/info/refs", 'Bearer, Basic realm="membrane"'],
  ["/v2", 'Basic realm="membrane"'],
  ["/v2/", 'Basic realm="membrane"'],
  ["/v2/image/manifests/latest", 'Basic realm="membrane"'],
  ["/v2x", 'Bearer, Basic realm="membrane"'],
  ["/V2/", 'Bearer, Basic realm="membrane"'],
  ["/x/v2/", 'Bearer, Basic realm="membrane"'],
  ["//", 'Bearer, Basic realm="membrane"'],
])("the challenge at %s is %s", (path, expected) => {
  expect(challenge(requestHeadOf({ path, rawHeaders: ["Accept", "*/*"] }))).toBe(expected);
});

test("a request that accepts HTML, in any of its Accept lines, is not offered Basic", () => {
  for (const accept of ["text/html", "Text/HTML;q=0.1", "application/xhtml+xml, text/html ;q=0"])
    for (const path of ["/x", "/v2/"])
      expect(challenge(requestHeadOf({ path, rawHeaders: ["Accept", "*/*", "ACCEPT", accept] }))).toBe(
        "Bearer",
      );
});
