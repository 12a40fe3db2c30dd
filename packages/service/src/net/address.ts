import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** A numeric address in its canonical form: its bytes on the wire. */
export interface IpAddress {
  readonly family: "ipv4" | "ipv6";
  /** Network byte order; 4 bytes for IPv4, 16 for IPv6. */
  readonly bytes: Uint8Array;
}

/** All addresses of one family that share the first `prefix` bits of `bytes`. */
export interface Cidr extends IpAddress {
  readonly prefix: number;
}

/**
 * Parses an address as strictly as Node parses a literal: four decimal octets without leading zeros, or RFC 4291 text. A zone
 * id (RFC 4007) is refused, since it selects an interface of this machine.
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
 * Parses `address/prefix`; an address alone is a block of one. Bits that are set after the prefix are refused: `10.0.0.5/8` may
 * be meant for one host and would allow sixteen million.
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
