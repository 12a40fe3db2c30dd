import { SocketAddress } from "node:net";
import type { Cidr, IpAddress } from "./address.ts";
import { containsAddress, parseAddress, parseCidr } from "./address.ts";

/** The key for limits by address: an IPv4 address, or the first 64 bits of an IPv6 address, since a client has all of the rest. */
export function addressKey({ family, bytes }: IpAddress): string {
  return Buffer.from(family === "ipv4" ? bytes : bytes.subarray(0, 8)).toString("hex");
}

export function isInAny(address: IpAddress, blocks: readonly Cidr[]): boolean {
  return blocks.some((block) => containsAddress(block, address));
}

const IPV4_MAPPED_PREFIX = Buffer.from("00000000000000000000ffff", "hex");

/** Parses a peer's address: a socket of both families reports an IPv4 client in IPv6's form. */
export function parsePeerAddress(text: string): IpAddress | undefined {
  const address = parseAddress(text);
  if (
    address?.family !== "ipv6" ||
    !IPV4_MAPPED_PREFIX.equals(address.bytes.subarray(0, IPV4_MAPPED_PREFIX.length))
  )
    return address;
  return { family: "ipv4", bytes: address.bytes.subarray(IPV4_MAPPED_PREFIX.length) };
}

/** The text of an address; that of an IPv6 address as in RFC 5952. */
export function formatAddress({ family, bytes }: IpAddress): string {
  if (family === "ipv4") return bytes.join(".");
  const hextets = Buffer.from(bytes).toString("hex").match(/.{4}/g) ?? [];
  return new SocketAddress({ family, address: hextets.join(":") }).address;
}

const LOOPBACK: readonly Cidr[] = ["127.0.0.0/8", "::1/128"].flatMap((block) => parseCidr(block) ?? []);

/** Whether the peer of a connection is on this machine. */
export function isLoopbackPeer(text: string): boolean {
  const address = parsePeerAddress(text);
  return address !== undefined && isInAny(address, LOOPBACK);
}
