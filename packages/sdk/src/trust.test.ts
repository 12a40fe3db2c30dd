import { describe, expect, test } from "vitest";
import { CapabilityError } from "./error.ts";
import { readTrust } from "./trust.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

const trusted = (trustedCA: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(readTrust({ tls: { trustedCA } }));

test.each([
  ["no options", undefined],
  ["null", null],
  ["empty options", {}],
  ["no tls", { tls: undefined }],
  ["null for tls", { tls: null }],
  ["empty tls", { tls: {} }],
  ["no CA", { tls: { trustedCA: undefined } }],
  ["empty CAs", { tls: { trustedCA: {} } }],
])("%s: no authority has a CA", (_what, options) => {
  expect(readTrust(options as object).size).toBe(0);
});

test.each([
  ["example.com", "example.com"],
  ["EXAMPLE.com", "example.com"],
  ["example.com:443", "example.com"],
  ["example.com:8443", "example.com:8443"],
  ["127.0.0.1:443", "127.0.0.1"],
  ["[::1]:443", "[::1]"],
  ["[0:0::0001]:8443", "[::1]:8443"],
])("the CA for %s is stored for %s", (given, authority) => {
  expect(trusted({ [given]: PEM })).toEqual({ [authority]: PEM });
});

test("each authority has its own CA", () => {
  expect(trusted({ a: `${PEM}1`, "a:8443": `${PEM}2`, b: `${PEM}3` })).toEqual({
    a: `${PEM}1`,
    "a:8443": `${PEM}2`,
    b: `${PEM}3`,
  });
});

describe("is refused by the name of the field:", () => {
  test.each([
    [7, "options"],
    ["text", "options"],
    [{ TLS: {} }, "options.TLS"],
    [{ tls: true }, "tls"],
    [{ tls: { ca: PEM } }, "tls.ca"],
    [{ tls: { rejectUnauthorized: false } }, "tls.rejectUnauthorized"],
    [{ tls: { trustedCA: PEM } }, "tls.trustedCA"],
    [{ tls: { trustedCA: { "": PEM } } }, "tls.trustedCA."],
    [{ tls: { trustedCA: { "https://a": PEM } } }, "tls.trustedCA.https://a"],
    [{ tls: { trustedCA: { "a:0": PEM } } }, "tls.trustedCA.a:0"],
    [{ tls: { trustedCA: { "a\u001b[2J": PEM } } }, "tls.trustedCA.a?[2J"],
    [{ tls: { trustedCA: { a: null } } }, "tls.trustedCA.a"],
    [{ tls: { trustedCA: { a: [PEM] } } }, "tls.trustedCA.a"],
    [{ tls: { trustedCA: { a: ["canary"] } } }, "tls.trustedCA.a"],
    [JSON.parse('{"tls": {"trustedCA": {"__proto__": ["canary"]}}}'), "tls.trustedCA.__proto__"],
  ])("%j", (options, field) => {
    const read = (): unknown => readTrust(options as object);
    expect(read).toThrow(CapabilityError);
    expect(read).toThrow(`${field}: expected `);
    expect(read).not.toThrow("canary");
  });
});
