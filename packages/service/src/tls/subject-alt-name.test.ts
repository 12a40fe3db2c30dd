import { expect, test } from "vitest";
import { toSubjectAltName } from "./subject-alt-name.ts";

test.each([
  ["gateway.example", "dns", "gateway.example"],
  ["Gateway.Example.:8443", "dns", "gateway.example"],
  ["localhost:8443", "dns", "localhost"],
  ["127.0.0.1:8443", "ip", "127.0.0.1"],
  ["[::1]", "ip", "::1"],
  ["[2001:DB8::1]:8443", "ip", "2001:db8::1"],
])("the authority %s is certified as %s %s", (authority, type, value) => {
  expect(toSubjectAltName(authority)).toEqual({ type, value });
});

test.each(["", ":8443", "::1", "a:b", "https://a", "a@b", "a b", "[]", "a/b", "[a.example]", "."])(
  "%j is not an authority",
  (authority) => {
    expect(() => toSubjectAltName(authority)).toThrow(TypeError);
  },
);
