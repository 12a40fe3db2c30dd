import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { containsAddress, parseAddress, parseCidr } from "./address.ts";
import type { Cidr, IpAddress } from "./address.ts";

function address(text: string): IpAddress {
  return parseAddress(text)!;
}

function cidr(text: string): Cidr {
  return parseCidr(text)!;
}

describe("parseAddress", () => {
  test.each([
    ["127.0.0.1", [127, 0, 0, 1]],
    ["0.0.0.0", [0, 0, 0, 0]],
    ["::1", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ["::ffff:127.0.0.1", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1]],
    ["FD00:EC2::254", [0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54]],
  ])("%s has these bytes", (text, bytes) => {
    expect([...address(text).bytes]).toEqual(bytes);
  });

  test.each([
    "",
    "127.1",
    "0177.0.0.1",
    "127.0.0.01",
    "0x7f.0.0.1",
    "2130706433",
    "256.0.0.1",
    "1.2.3.4.5",
    "127.0.0.1 ",
    " 127.0.0.1",
    "127.0.0.1/8",
    "fe80::1%eth0",
    "fe80::1%",
    "[::1]",
    "::1::",
    "::ffff:0177.0.0.1",
    "12345::",
    "localhost",
    "１２７.0.0.1",
  ])("%j is not an address", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test("every spelling of an IPv6 address has the same bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }), (parts) => {
        const plain = parts.map((part) => part.toString(16)).join(":");
        const padded = parts.map((part) => part.toString(16).padStart(4, "0").toUpperCase()).join(":");
        expect(address(padded)).toEqual(address(plain));
      }),
    );
  });
});

test("a text is an address exactly if Node's parser of literals says so, a zone id aside", () => {
  const piece = fc.constantFrom(
    ..."0 1 9 12 25 255 256 01 a F ff 0db8 12345 : : :: . . 1.2.3.4 127.0.0.1".split(" "),
  );
  const text = fc.oneof(
    fc.array(piece, { maxLength: 18 }).map((pieces) => pieces.join("")),
    fc.ipV6(),
    fc.ipV4(),
    fc
      .array(fc.constantFrom("0", "ab", ""), { minLength: 2, maxLength: 9 })
      .map((groups) => groups.join(":")),
  );
  let addresses = 0;
  fc.assert(
    fc.property(text, (literal) => {
      if (isIP(literal) !== 0) addresses += 1;
      expect(parseAddress(literal) !== undefined).toBe(isIP(literal) !== 0);
    }),
    { numRuns: 5_000 },
  );
  expect(addresses).toBeGreaterThan(1_000);
});

test("an IPv6 address has the bytes that the WHATWG URL parser reads", () => {
  fc.assert(
    fc.property(fc.ipV6(), (literal) => {
      const { hostname } = new URL(`http://[${literal}]/`);
      expect(address(literal)).toEqual(address(hostname.slice(1, -1)));
    }),
  );
});

describe("parseCidr", () => {
  test.each([
    "10.0.0.5/8",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "10/8",
    "fd00::1/8",
    "::/129",
    "fe80::%1/64",
  ])("%j is not a block", (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  test("an address alone is a block of one", () => {
    expect(cidr("127.0.0.2").prefix).toBe(32);
    expect(cidr("::1").prefix).toBe(128);
  });
});

describe("containsAddress", () => {
  test.each([
    ["172.16.0.0/12", "172.15.255.255", false],
    ["172.16.0.0/12", "172.16.0.0", true],
    ["172.16.0.0/12", "172.31.255.255", true],
    ["172.16.0.0/12", "172.32.0.0", false],
    ["0.0.0.0/0", "255.255.255.255", true],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "127.0.0.1", false],
    ["127.0.0.0/8", "::ffff:127.0.0.1", false],
    ["fc00::/7", "fdff:ffff::", true],
    ["fc00::/7", "fe00::", false],
  ])("whether %s contains %s: %s", (block, text, expected) => {
    expect(containsAddress(cidr(block), address(text))).toBe(expected);
  });

  test("it agrees with arithmetic on IPv4 numbers", () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), fc.nat(32), (base, other, prefix) => {
        const size = 2 ** (32 - prefix);
        const start = Math.floor(base / size) * size;
        const near = (start + (other % (2 * size))) % 2 ** 32;
        expect(containsAddress(cidr(`${dotted(start)}/${prefix}`), address(dotted(near)))).toBe(
          near >= start && near < start + size,
        );
      }),
    );
  });
});

function dotted(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join(".");
}
