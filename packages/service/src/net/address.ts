import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** A numeric address in its one canonical form: the bytes that go on the wire. */
export interface IpAddress {
  readonly family: "ipv4" | "ipv6";
  /** Network byte order; 4 or 16 bytes, as the family says. */
  readonly bytes: Uint8Array;
}

/** All addresses of one family that share the first `prefix` bits of `bytes`. */
export interface Cidr extends IpAddress {
  readonly prefix: number;
}

/**
 * Reads an address as Node reads a literal, and nothing more lenient: four decimal octets without leading zeros, or
 * RFC 4291 text. A zone id (RFC 4007) is refused, since it chooses an interface of this machine.
 */
export function parseAddress(text: string): IpAddress | undefined {
  switch (text.includes("%") ? 0 : isIP(text)) {
    case 4:
      return { family: "ipv4", bytes: Uint8Array.from(ipaddr.IPv4.parse(text).toByteArray()) };
    case 6:
      return { family: "ipv6", bytes: Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray()) };
    default:
      return undefined;
  }
}

/**
 * Reads `address/prefix`; an address alone stands for itself. Bits set behind the prefix are refused: `10.0.0.5/8`
 * may mean one host and would open sixteen million.
 */
export function parseCidr(text: string): Cidr | undefined {
  const [head = "", tail, ...rest] = text.split("/");
  const address = parseAddress(head);
  if (address === undefined || rest.length > 0) return undefined;
  const bits = address.bytes.length * 8;
  const prefix = tail === undefined ? bits : parsePrefix(tail);
  if (prefix === undefined || prefix > bits || hasBitsAfter(address.bytes, prefix)) return undefined;
  return { ...address, prefix };
}

/** Whether `address` lies in `cidr`. Families never match each other: `::ffff:7f00:1` is not in `127.0.0.0/8`. */
export function contains(cidr: Cidr, address: IpAddress): boolean {
  return (
    cidr.family === address.family &&
    cidr.bytes.every((byte, i) => byte === maskedByte(address.bytes, i, cidr.prefix))
  );
}

/** Whether both are the same address, however they were written. */
export function sameAddress(a: IpAddress, b: IpAddress): boolean {
  return a.family === b.family && a.bytes.every((byte, i) => byte === b.bytes[i]);
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
