/**
 * A numeric address in its canonical form: its bytes on the wire.
 *
 * @example
 * const address: IpAddress | undefined = parseAddress("192.0.2.1");
 * address; // => { family: "ipv4", bytes: Uint8Array.of(192, 0, 2, 1) }
 */
export interface IpAddress {
  readonly family: "ipv4" | "ipv6";
  /** Network byte order; 4 bytes for IPv4, 16 for IPv6. */
  readonly bytes: Uint8Array;
}

/**
 * All addresses of one family that share the first `prefix` bits of `bytes`, whose other bits are zero, as {@link parseCidr} returns it.
 *
 * @example
 * const cidr: Cidr | undefined = parseCidr("10.0.0.0/8");
 * cidr?.prefix; // => 8
 */
export interface Cidr extends IpAddress {
  readonly prefix: number;
}

const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
const HEXTET = /^[0-9A-Fa-f]{1,4}$/;

/** The longest text: six hextets and an IPv4 address. */
const MAX_ADDRESS_LENGTH = 45;

/**
 * Parses an address as strictly as Node parses a literal: four decimal octets without leading zeros, or RFC 4291 text. A zone
 * id (RFC 4007) is refused, since it selects an interface of one machine.
 *
 * @example
 * parseAddress("::1")?.bytes.at(-1); // => 1
 * parseAddress("127.1"); // => undefined
 */
export function parseAddress(text: string): IpAddress | undefined {
  if (text.length > MAX_ADDRESS_LENGTH) return undefined;
  if (!text.includes(":")) {
    const bytes = parseIpv4(text);
    return bytes && { family: "ipv4", bytes: Uint8Array.from(bytes) };
  }
  const bytes = parseIpv6(text);
  return bytes && { family: "ipv6", bytes: Uint8Array.from(bytes) };
}

/**
 * Parses `address/prefix`; an address alone is a block of one. Bits that are set after the prefix are refused: `10.0.0.5/8` may
 * be meant for one host and would allow sixteen million.
 *
 * @example
 * parseCidr("2001:db8::/32")?.prefix; // => 32
 * parseCidr("10.0.0.5/8"); // => undefined
 */
export function parseCidr(text: string): Cidr | undefined {
  const [head = "", tail, ...rest] = text.split("/", 3);
  const address = parseAddress(head);
  if (address === undefined || rest.length > 0) return undefined;
  const bits = address.bytes.length * 8;
  const prefix = tail === undefined ? bits : parsePrefix(tail);
  if (prefix === undefined || prefix > bits || hasBitsAfter(address.bytes, prefix)) return undefined;
  return { ...address, prefix };
}

/**
 * Whether `address` lies in `cidr`. Families never match each other: `::ffff:7f00:1` is not in `127.0.0.0/8`.
 *
 * @example
 * const cidr = parseCidr("10.0.0.0/8");
 * const address = parseAddress("10.1.2.3");
 * cidr && address && containsAddress(cidr, address); // => true
 */
export function containsAddress({ family, bytes, prefix }: Cidr, address: IpAddress): boolean {
  if (family !== address.family) return false;
  // Bits after the prefix are zero in a block.
  for (let i = 0; i * 8 < prefix; i += 1) {
    if (bytes[i] !== maskedByte(address.bytes, i, prefix)) return false;
  }
  return true;
}

function parseIpv4(text: string): readonly number[] | undefined {
  return IPV4.test(text) ? text.split(".").map(Number) : undefined;
}

const IPV6_BYTES = 16;

function parseIpv6(text: string): readonly number[] | undefined {
  const [before = "", after, ...others] = text.split("::", 3);
  if (others.length > 0) return undefined;
  const head = parseGroups(before, after === undefined);
  if (after === undefined) return head?.length === IPV6_BYTES ? head : undefined;
  const tail = parseGroups(after, true);
  if (head === undefined || tail === undefined) return undefined;
  const zeros = IPV6_BYTES - head.length - tail.length;
  // `::` is at least one group of zeros (RFC 4291 §2.2).
  return zeros < 2 ? undefined : [...head, ...Array.from({ length: zeros }, () => 0), ...tail];
}

/** @param isEnd whether an IPv4 address may be last. */
function parseGroups(text: string, isEnd: boolean): readonly number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    const ipv4 = isEnd && index === groups.length - 1 ? parseIpv4(group) : undefined;
    if (ipv4 === undefined && !HEXTET.test(group)) return undefined;
    const number = Number.parseInt(group, 16);
    bytes.push(...(ipv4 ?? [number >> 8, number & 0xff]));
  }
  return bytes;
}

function parsePrefix(text: string): number | undefined {
  return /^(0|[1-9]\d{0,2})$/.test(text) ? Number(text) : undefined;
}

function hasBitsAfter(bytes: Uint8Array, prefix: number): boolean {
  return bytes.some((byte, i) => byte !== maskedByte(bytes, i, prefix));
}

function maskedByte(bytes: Uint8Array, index: number, prefix: number): number {
  const kept = Math.min(8, Math.max(0, prefix - index * 8));
  return (bytes[index] ?? 0) & (0xff00 >> kept);
}
