import type { Authority } from "capability-protocol";
import { err, ok, parseAuthority, readTargetUri } from "capability-protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { targetOrigin } from "../../../testkit/src/target-origin.ts";
import { parseCidr } from "../net/address.ts";
import { METADATA_ADDRESSES, METADATA_HOSTS } from "./metadata.ts";
import { parseAllowTarget } from "./allow-rule.ts";
import { createEgressPolicy } from "./policy.ts";
import type { EgressPolicy, EgressPolicyOptions } from "./policy.ts";
import { SPECIAL_PURPOSE_BLOCKS } from "./special-purpose.ts";

function policyWith(
  options: Partial<Omit<EgressPolicyOptions, "allow">> & {
    readonly allow?: readonly string[];
  } = {},
): EgressPolicy {
  return createEgressPolicy({
    ownEndpoints: () => [],
    localAddresses: () => [],
    ownAuthorities: [],
    ...options,
    allow: (options.allow ?? []).map((text) => parseAllowTarget(text)!),
  });
}

const byDefault = policyWith();
const wideOpen = policyWith({ allow: ["0.0.0.0/0", "::/0"] });

const allowed = ok(undefined);

/** A second copy, so that a row that is lost from the table is noticed. */
const mustDeny =
  `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
  192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
  203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 255.255.255.255/32 168.63.129.16/32 ::/128 ::1/128 ::/96 ::ffff:0:0/96
  ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:db8::/32 2002::/16
  2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8`.split(/\s+/);

const embedding = "::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 2001::/32 2002::/16".split(
  " ",
);

describe("by default", () => {
  test.each(mustDeny)("every address of %s is denied, the first and the last among them", (text) => {
    const { bytes, prefix } = parseCidr(text)!;
    const edges = [0x00, 0xff].map((fill) =>
      written(withHostBits(bytes, prefix, new Uint8Array(16).fill(fill))),
    );
    for (const edge of edges) expect(byDefault.checkAddress(edge, 443).ok).toBe(false);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (random) => {
        expect(byDefault.checkAddress(written(withHostBits(bytes, prefix, random)), 443).ok).toBe(false);
      }),
    );
  });

  test("the table holds the blocks that must be denied, and nothing else", () => {
    expect(SPECIAL_PURPOSE_BLOCKS.map(({ cidr }) => cidr).toSorted()).toEqual(
      mustDeny.filter((text) => text !== "168.63.129.16/32").toSorted(),
    );
  });

  test("IPv4 addresses in no block are allowed", () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        const isListed = [
          ...SPECIAL_PURPOSE_BLOCKS.map(({ cidr }) => cidr),
          ...METADATA_ADDRESSES.map(({ endpoint }) => endpoint),
        ].some((cidr) => holds(cidr, text));
        expect(byDefault.checkAddress(text, 443).ok).toBe(!isListed);
      }),
    );
  });

  test.each([
    ["1.1.1.1"],
    ["8.8.8.8"],
    ["9.255.255.255"],
    ["11.0.0.0"],
    ["126.255.255.255"],
    ["128.0.0.0"],
    ["172.15.255.255"],
    ["172.32.0.0"],
    ["192.0.1.0"],
    ["198.17.255.255"],
    ["198.20.0.0"],
    ["223.255.255.255"],
    ["2606:4700:4700::1111"],
    ["2001:200::1"],
    ["2001:4860:4860::8888"],
    ["2003::1"],
    ["2620:4f:8001::1"],
  ])("the neighbor %s of a block is allowed", (text) => {
    expect(byDefault.checkAddress(text, 443)).toEqual(allowed);
  });

  test("global unicast IPv6 is allowed and all outside 2000::/3 is denied", () => {
    const bits = fc.uint8Array({ minLength: 15, maxLength: 15 });
    fc.assert(
      fc.property(bits, (rest) => {
        // 2a00::/8 has no special-purpose block in it.
        const isIsatap =
          (rest[7] === 0 || rest[7] === 2) && rest[8] === 0 && rest[9] === 0x5e && rest[10] === 0xfe;
        expect(byDefault.checkAddress(written(Uint8Array.of(0x2a, ...rest)), 443).ok).toBe(!isIsatap);
      }),
    );
    fc.assert(
      fc.property(fc.nat(255), bits, (first, rest) => {
        fc.pre(first >> 5 !== 1);
        expect(byDefault.checkAddress(written(Uint8Array.of(first, ...rest)), 443).ok).toBe(false);
      }),
    );
    expect(byDefault.checkAddress("4000::1", 443)).toEqual(err("special-purpose"));
  });

  test.each(["", "localhost", "127.1", "0177.0.0.1", "fe80::1%eth0", "[::1]", "8.8.8.8:443", "::ffff:127.1"])(
    "%j is not an address to connect to",
    (text) => {
      expect(byDefault.checkAddress(text, 443)).toEqual(err("not-an-address"));
    },
  );
});

describe("an embedded IPv4 address", () => {
  test.each(embedding)("in %s is denied, even when everything is allowed", (text) => {
    const { bytes, prefix } = parseCidr(text)!;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (random) => {
        const address = withHostBits(bytes, prefix, random);
        fc.pre(address.subarray(0, 15).some((byte) => byte !== 0));
        expect(wideOpen.checkAddress(written(address), 443)).toEqual(err("embedded-ipv4"));
      }),
    );
  });

  test.each([
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001:0:0:0:0:0:5601:5601",
    "2a00::5efe:a9fe:a9fe",
    "2a00::200:5efe:a9fe:a9fe",
  ])("that leads to a metadata service, %s, is denied even when everything is allowed", (text) => {
    expect(wideOpen.checkAddress(text, 80).ok).toBe(false);
    expect(wideOpen.checkHost(targetOrigin(text, 80)).ok).toBe(false);
  });
});

describe("a metadata service", () => {
  test.each(METADATA_ADDRESSES.map(({ endpoint }) => endpoint))(
    "at %s is denied, even when everything is allowed",
    (text) => {
      expect(wideOpen.checkAddress(text, 80)).toEqual(err("metadata"));
      expect(policyWith({ allow: [text] }).checkHost(targetOrigin(text, 80))).toEqual(err("metadata"));
    },
  );

  test.each(METADATA_HOSTS.map(({ endpoint }) => endpoint))(
    "named %s is denied in every spelling",
    (name) => {
      for (const spelling of [name, name.toUpperCase(), `${name}.`, `${name}..`])
        expect(wideOpen.checkHost(targetOrigin(spelling, 80))).toEqual(err("metadata"));
      expect(byDefault.checkHost(targetOrigin(`x${name}`, 80))).toEqual(allowed);
    },
  );

  test("the tables hold what must never be reached", () => {
    expect(METADATA_ADDRESSES.map(({ endpoint }) => endpoint)).toEqual(
      expect.arrayContaining([
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "169.254.0.23",
        "169.254.42.42",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
      ]),
    );
    expect(METADATA_HOSTS.map(({ endpoint }) => endpoint)).toEqual(
      expect.arrayContaining([
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "instance-data",
        "metadata.tencentyun.com",
        "metadata.packet.net",
        "rancher-metadata",
        "kubernetes.default.svc",
      ]),
    );
  });
});

describe("an allow rule", () => {
  test("allows its block and nothing else", () => {
    const policy = policyWith({ allow: ["127.0.0.2", "10.0.0.0/8", "fd00::/16"] });
    for (const text of ["127.0.0.2", "10.255.255.255", "fd00::1"])
      expect(policy.checkAddress(text, 1)).toEqual(allowed);
    for (const text of ["127.0.0.1", "127.0.0.3", "172.16.0.1", "fd01::1", "::1"])
      expect(policy.checkAddress(text, 1).ok).toBe(false);
  });

  test("with a port opens that port alone", () => {
    const policy = policyWith({ allow: ["10.0.0.0/8:8080"] });
    expect(policy.checkAddress("10.0.0.1", 8080)).toEqual(allowed);
    expect(policy.checkAddress("10.0.0.1", 8081)).toEqual(err("special-purpose"));
    expect(policy.checkAddress("8.8.8.8", 443)).toEqual(allowed);
  });
});

describe("the service itself", () => {
  const policy = policyWith({
    allow: ["0.0.0.0/0", "::/0"],
    ownEndpoints: () => [{ address: "0.0.0.0", port: 8443 }],
    localAddresses: () => ["10.0.0.7", "203.0.114.10", "fe80::1%eth0", "2a00::7"],
    ownAuthorities: ["Gateway.Example", "localhost:8443", "[2a00::9]:8443"].map((text) =>
      parseAuthority(text)!,
    ),
  });

  test.each([
    "127.0.0.1",
    "127.0.0.2",
    "127.255.255.254",
    "0.0.0.0",
    "::",
    "::1",
    "10.0.0.7",
    "203.0.114.10",
    "fe80::1",
    "2a00::7",
    "2a00:0:0::7",
  ])("is not reached at %s, even when everything is allowed", (text) => {
    expect(policy.checkAddress(text, 8443)).toEqual(err("own-endpoint"));
    expect(policy.checkAddress(text, 8444)).toEqual(allowed);
  });

  test("is not reached through a mapped form of its address", () => {
    for (const text of ["::ffff:127.0.0.1", "::ffff:10.0.0.7", "64:ff9b::cb00:720a"])
      expect(policy.checkAddress(text, 8443).ok).toBe(false);
  });

  test("is not reached at the address it listens on, though no interface lists it", () => {
    const bound = policyWith({ ownEndpoints: () => [{ address: "203.0.114.99", port: 443 }] });
    expect(bound.checkAddress("203.0.114.99", 443)).toEqual(err("own-endpoint"));
    expect(bound.checkAddress("203.0.114.98", 443)).toEqual(allowed);
  });

  test.each([
    ["gateway.example", 443],
    ["GATEWAY.example.", 443],
    ["localhost", 8443],
    ["[2a00::9]", 8443],
    ["2a00::9", 8443],
  ])("is not reached by its own name %s:%i", (name, port) => {
    expect(policy.checkHost(targetOrigin(name, port))).toEqual(err("own-endpoint"));
    expect(policy.checkHost(targetOrigin(name, port + 1))).toEqual(allowed);
  });

  test("is recognized by a port that became known after the policy was made", () => {
    const own: { address: string; port: number }[] = [];
    const late = policyWith({ allow: ["127.0.0.0/8"], ownEndpoints: () => own });
    expect(late.checkAddress("127.0.0.1", 4000)).toEqual(allowed);
    own.push({ address: "127.0.0.1", port: 4000 });
    expect(late.checkAddress("127.0.0.1", 4000)).toEqual(err("own-endpoint"));
  });

  test("has authorities that parse", () => {
    for (const text of ["a:0", "a:65536", "a:b", "a:1:2"])
      expect(() => policyWith({ ownAuthorities: [text as Authority] })).toThrow(TypeError);
  });
});

describe("checkHost", () => {
  test.each([
    ["http://127.0.0.1/"],
    ["http://127.1/"],
    ["http://0x7f000001/"],
    ["http://2130706433/"],
    ["http://017700000001/"],
    ["http://[::1]/"],
    ["http://[::ffff:127.0.0.1]/"],
    ["http://0/"],
    ["http://127.0.0.1./"],
    ["http://①②⑦.0.0.1/"],
  ])("denies the literal in %s, which needs no lookup", (url) => {
    expect(byDefault.checkHost(readTargetUri(url)!.origin).ok).toBe(false);
  });

  test("allows names: their addresses are checked when they are resolved", () => {
    for (const name of ["example.com", "localhost.example", "internal"])
      expect(byDefault.checkHost(targetOrigin(name, 80))).toEqual(allowed);
  });

  test("denies localhost unless one of its two addresses is allowed at the port", () => {
    const check = (allow: readonly string[], port: number) =>
      policyWith({ allow }).checkHost(targetOrigin("localhost", port));
    expect(check([], 80)).toEqual(err("special-purpose"));
    expect(check(["127.0.0.1:3000"], 80)).toEqual(err("special-purpose"));
    expect(check(["127.0.0.1:3000"], 3000)).toEqual(allowed);
    expect(check(["[::1]:3000"], 3000)).toEqual(allowed);
  });

  test("denies a zone id", () => {
    for (const name of ["fe80::1%eth0", "[fe80::1%25eth0]"])
      expect(wideOpen.checkHost(targetOrigin(name, 80))).toEqual(err("not-an-address"));
  });
});

function holds(cidr: string, text: string): boolean {
  const [block, one] = [parseCidr(cidr)!, parseCidr(text)!];
  const number = (bytes: Uint8Array): bigint => bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const shift = BigInt(block.bytes.length * 8 - block.prefix);
  return block.family === one.family && number(block.bytes) >> shift === number(one.bytes) >> shift;
}

function withHostBits(network: Uint8Array, prefix: number, random: Uint8Array): Uint8Array {
  return network.map(
    (byte, i) => byte | ((random[i] ?? 0) & ~(0xff00 >> Math.min(8, Math.max(0, prefix - i * 8))) & 0xff),
  );
}

function written(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  return Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16)).join(
    ":",
  );
}

test("plain HTTP and unverified TLS are allowed unless they are forbidden, each by itself", () => {
  const [plain, secure] = [targetOrigin("a", 80), targetOrigin("a", 443, "https")];
  const check = (options: Partial<EgressPolicyOptions>) => {
    const policy = policyWith({ ...options, allow: [] });
    const unverified = { rejectUnauthorized: false };
    return [
      policy.checkTransport(plain, undefined),
      policy.checkTransport(secure, unverified),
      policy.checkTransport(secure, {}),
    ];
  };
  expect(check({})).toEqual([allowed, allowed, allowed]);
  expect(check({ forbidHttp: true })).toEqual([err("plain-http"), allowed, allowed]);
  expect(check({ forbidUnverified: true })).toEqual([allowed, err("unverified-tls"), allowed]);
  expect(check({ forbidHttp: true, forbidUnverified: true })).toEqual([
    err("plain-http"),
    err("unverified-tls"),
    allowed,
  ]);
});
