import type { Cidr, IpAddress } from "../net/address.ts";
import { containsAddress, parseCidr } from "../net/address.ts";

/** A block of addresses that are not global unicast, or have a special purpose. */
export interface SpecialPurposeBlock {
  readonly cidr: string;
  readonly class: string;
  readonly source: string;
  /** Its addresses embed an IPv4 address, to which a translator or the kernel connects instead. */
  readonly embedsIpv4?: true;
}

/**
 * The IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates), with multicast and reserved addresses,
 * which have separate registries. Some rows are globally reachable, but no HTTP service is there (AS112, AMT). The narrower of two
 * overlapping rows comes first.
 */
export const SPECIAL_PURPOSE_BLOCKS: readonly SpecialPurposeBlock[] = [
  // 0.0.0.0 reaches the loopback interface on Linux.
  { cidr: "0.0.0.0/8", class: "this-network", source: "RFC 791, RFC 1122" },
  { cidr: "10.0.0.0/8", class: "private", source: "RFC 1918" },
  { cidr: "100.64.0.0/10", class: "carrier-grade-nat", source: "RFC 6598" },
  { cidr: "127.0.0.0/8", class: "loopback", source: "RFC 1122" },
  { cidr: "169.254.0.0/16", class: "link-local", source: "RFC 3927" },
  { cidr: "172.16.0.0/12", class: "private", source: "RFC 1918" },
  { cidr: "192.0.0.0/24", class: "ietf-protocol", source: "RFC 6890" },
  { cidr: "192.0.2.0/24", class: "documentation", source: "RFC 5737" },
  { cidr: "192.31.196.0/24", class: "as112", source: "RFC 7535" },
  { cidr: "192.52.193.0/24", class: "amt", source: "RFC 7450" },
  { cidr: "192.88.99.0/24", class: "6to4-relay", source: "RFC 7526" },
  { cidr: "192.168.0.0/16", class: "private", source: "RFC 1918" },
  { cidr: "192.175.48.0/24", class: "as112", source: "RFC 7534" },
  { cidr: "198.18.0.0/15", class: "benchmarking", source: "RFC 2544" },
  { cidr: "198.51.100.0/24", class: "documentation", source: "RFC 5737" },
  { cidr: "203.0.113.0/24", class: "documentation", source: "RFC 5737" },
  { cidr: "224.0.0.0/4", class: "multicast", source: "RFC 5771" },
  { cidr: "255.255.255.255/32", class: "broadcast", source: "RFC 919" },
  { cidr: "240.0.0.0/4", class: "reserved", source: "RFC 1112" },

  // :: reaches ::1 on Linux.
  { cidr: "::/128", class: "unspecified", source: "RFC 4291" },
  { cidr: "::1/128", class: "loopback", source: "RFC 4291" },
  { cidr: "::/96", class: "ipv4-compatible", source: "RFC 4291", embedsIpv4: true },
  { cidr: "::ffff:0:0/96", class: "ipv4-mapped", source: "RFC 4291", embedsIpv4: true },
  {
    cidr: "::ffff:0:0:0/96",
    class: "ipv4-translated",
    source: "RFC 2765, RFC 6145",
    embedsIpv4: true,
  },
  { cidr: "64:ff9b::/96", class: "nat64", source: "RFC 6052", embedsIpv4: true },
  { cidr: "64:ff9b:1::/48", class: "nat64-local", source: "RFC 8215", embedsIpv4: true },
  { cidr: "100::/64", class: "discard", source: "RFC 6666" },
  { cidr: "100:0:0:1::/64", class: "dummy", source: "RFC 9780" },
  { cidr: "2001::/32", class: "teredo", source: "RFC 4380", embedsIpv4: true },
  { cidr: "2001::/23", class: "ietf-protocol", source: "RFC 2928" },
  { cidr: "2001:db8::/32", class: "documentation", source: "RFC 3849" },
  { cidr: "2002::/16", class: "6to4", source: "RFC 3056", embedsIpv4: true },
  { cidr: "2620:4f:8000::/48", class: "as112", source: "RFC 7534" },
  { cidr: "3fff::/20", class: "documentation", source: "RFC 9637" },
  { cidr: "5f00::/16", class: "srv6-sids", source: "RFC 9602" },
  { cidr: "fc00::/7", class: "unique-local", source: "RFC 4193" },
  { cidr: "fe80::/10", class: "link-local", source: "RFC 4291" },
  { cidr: "fec0::/10", class: "site-local", source: "RFC 3879" },
  { cidr: "ff00::/8", class: "multicast", source: "RFC 4291" },
];

const PARSED_BLOCKS: readonly (readonly [Cidr, SpecialPurposeBlock])[] = SPECIAL_PURPOSE_BLOCKS.map(
  (block) => [parseBlock(block.cidr), block],
);
const GLOBAL_UNICAST_IPV6 = parseBlock("2000::/3");

/** The narrowest block of the table that holds the address. */
export function specialPurposeBlock(address: IpAddress): SpecialPurposeBlock | undefined {
  return PARSED_BLOCKS.find(([cidr]) => containsAddress(cidr, address))?.[1];
}

/** Whether the address is global unicast: in no block, and if it is IPv6, in the only space that IANA allocates (RFC 4291 §2.4). */
export function isGlobalUnicast(address: IpAddress): boolean {
  return (
    specialPurposeBlock(address) === undefined &&
    (address.family === "ipv4" || containsAddress(GLOBAL_UNICAST_IPV6, address))
  );
}

/**
 * Whether the address embeds an IPv4 address: by its prefix or, after any prefix, by an ISATAP interface identifier
 * (`::5efe:a.b.c.d`, `::200:5efe:a.b.c.d`, RFC 5214).
 */
export function embedsIpv4(address: IpAddress): boolean {
  return specialPurposeBlock(address)?.embedsIpv4 === true || isIsatap(address);
}

function isIsatap({ family, bytes }: IpAddress): boolean {
  const [universal, group, marker, type] = bytes.subarray(8, 12);
  const isOrganization = (universal === 0 || universal === 2) && group === 0;
  return family === "ipv6" && isOrganization && marker === 0x5e && type === 0xfe;
}

function parseBlock(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new Error(`not a block: ${text}`);
  return cidr;
}
