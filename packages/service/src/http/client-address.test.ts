import { expect, test } from "vitest";
import { parseCidr } from "../net/address.ts";
import { addressKey } from "../net/peer-address.ts";
import { clientAddress } from "./client-address.ts";

const TRUSTED = ["10.0.0.0/8", "fd00::/8"].map((text) => parseCidr(text)!);

function client(remote: string, forwardedFor?: string): string | undefined {
  const address = clientAddress(remote, forwardedFor, TRUSTED);
  return address === undefined ? undefined : Array.from(address.bytes).join(".");
}

test.each([
  ["no proxy in between", "192.0.2.1", undefined, "192.0.2.1"],
  ["a client that invents its address", "192.0.2.1", "198.51.100.1", "192.0.2.1"],
  ["a proxy that is trusted", "10.0.0.1", "192.0.2.1", "192.0.2.1"],
  ["an IPv4 proxy in IPv6's form", "::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1"],
  ["an IPv6 proxy", "fd00::1", "192.0.2.1", "192.0.2.1"],
  ["two proxies", "10.0.0.1", "192.0.2.1, 10.9.9.9", "192.0.2.1"],
  ["an address that the client wrote before the proxy's", "10.0.0.1", "198.51.100.1, 192.0.2.1", "192.0.2.1"],
  ["a trusted address that the client wrote", "10.0.0.1", "10.1.1.1, 192.0.2.1", "192.0.2.1"],
  ["a proxy that writes nothing", "10.0.0.1", undefined, "10.0.0.1"],
  ["a proxy that writes no address", "10.0.0.1", "unknown", "10.0.0.1"],
  ["a client inside", "10.0.0.1", "10.0.0.2", "10.0.0.2"],
])("%s", (_what, remote, forwardedFor, expected) => {
  expect(client(remote, forwardedFor)).toBe(expected);
});

test("there is no client address when the connection's is not numeric", () => {
  expect(client("")).toBeUndefined();
  expect(client("fe80::1%eth0")).toBeUndefined();
});

test("counts are kept for each IPv4 address, and for each /64 network of IPv6", () => {
  const key = (text: string): string => addressKey(clientAddress(text, undefined, [])!);
  expect(key("192.0.2.1")).not.toBe(key("192.0.2.2"));
  expect(key("::ffff:192.0.2.1")).toBe(key("192.0.2.1"));
  expect(key("2001:db8::1")).toBe(key("2001:db8::ffff:2"));
  expect(key("2001:db8::1")).not.toBe(key("2001:db8:0:1::1"));
});
