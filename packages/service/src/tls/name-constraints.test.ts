import fc from "fast-check";
import { expect, test } from "vitest";
import { toSubjectAltName } from "./subject-alt-name.ts";
import { constrainTo, decodeNameConstraints, encodeNameConstraints, permits } from "./name-constraints.ts";

const NAMES = ["gateway.example", "localhost", "127.0.0.1", "[::1]"].map(toSubjectAltName);

test("a CA may issue for its names and their subdomains, and for nothing else", () => {
  const constraints = constrainTo(NAMES);
  for (const name of [
    "gateway.example",
    "GATEWAY.example.",
    "a.b.gateway.example",
    "x.localhost",
    "127.0.0.1",
    "[::1]",
  ])
    expect(permits(constraints, toSubjectAltName(name))).toBe(true);
  for (const name of [
    "example",
    "xgateway.example",
    "other.example",
    "127.0.0.2",
    "[::2]",
    "[::ffff:127.0.0.1]",
  ])
    expect(permits(constraints, toSubjectAltName(name))).toBe(false);
});

test("a form of names is excluded as a whole when the CA has no name of that form", () => {
  const byName = constrainTo([toSubjectAltName("localhost")]);
  for (const name of ["127.0.0.1", "[::1]", "0.0.0.0"])
    expect(permits(byName, toSubjectAltName(name))).toBe(false);
  const byAddress = constrainTo([toSubjectAltName("192.0.2.1")]);
  for (const name of ["localhost", "a", "[2001:db8::1]"])
    expect(permits(byAddress, toSubjectAltName(name))).toBe(false);
});

test("the extension is encoded as in RFC 5280, 4.2.1.10, octet by octet", () => {
  const hex = (names: readonly string[]): string =>
    Buffer.from(encodeNameConstraints(constrainTo(names.map(toSubjectAltName)))).toString("hex");
  const allV4 = `300a8708${"00".repeat(8)}`;
  const allV6 = `30228720${"00".repeat(32)}`;
  expect(hex(["a.b"])).toBe(`303ba00730058203612e62a130${allV4}${allV6}`);
  expect(hex(["192.0.2.1"])).toBe("3014a00c300a8708c0000201ffffffffa10430028200");
});

test("an encoded extension is decoded to the same constraints, also with hundreds of names", () => {
  const label = fc.stringMatching(/^[a-z0-9]{1,60}$/);
  const name = fc.oneof(
    fc.tuple(label, label).map((labels) => labels.join(".x")),
    fc.ipV4(),
    fc.ipV6().map((ip) => `[${ip}]`),
  );
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 300 }), (names) => {
      const constraints = constrainTo(names.map(toSubjectAltName));
      expect(decodeNameConstraints(encodeNameConstraints(constraints))).toEqual(constraints);
    }),
    { numRuns: 50 },
  );
});

test("an encoding that is cut at any byte is refused", () => {
  const der = encodeNameConstraints(constrainTo(NAMES));
  for (let length = 1; length < der.length; length += 1)
    expect(() => decodeNameConstraints(der.subarray(0, length))).toThrow(RangeError);
  expect(() => decodeNameConstraints(Uint8Array.of(0x30, 0x84, 0, 0, 0, 0))).toThrow(RangeError);
});
