import type { Cidr, IpAddress } from "../net/address.ts";
import { contains, parseAddress } from "../net/address.ts";

/**
 * Who sent a request. `X-Forwarded-For` is read from its end, and only as far as proxies that the operator trusts wrote
 * it: whatever stands before, the client may have invented.
 *
 * @param remote the other end of the connection.
 * @param forwardedFor `X-Forwarded-For`, its lines joined by commas.
 * @returns nothing for what is no numeric address.
 */
export function clientAddress(
  remote: string,
  forwardedFor: string | undefined,
  trustedProxies: readonly Cidr[],
): IpAddress | undefined {
  let client = readAddress(remote);
  const hops = (forwardedFor ?? "").split(",").toReversed();
  for (const hop of hops) {
    if (client === undefined || !isInAny(client, trustedProxies)) return client;
    const previous = readAddress(hop.trim());
    if (previous === undefined) return client;
    client = previous;
  }
  return client;
}

/** Whom a count is kept for: an IPv4 address, or the 64 bits of an IPv6 network, of which a client has as many as it likes. */
export function addressKey({ family, bytes }: IpAddress): string {
  return Buffer.from(family === "ipv4" ? bytes : bytes.subarray(0, 8)).toString("hex");
}

/** Whether one of the blocks holds the address. */
export function isInAny(address: IpAddress, blocks: readonly Cidr[]): boolean {
  return blocks.some((block) => contains(block, address));
}

/** Whether the other end of a connection is a proxy whose headers are believed. */
export function isTrustedProxy(remote: string, trustedProxies: readonly Cidr[]): boolean {
  if (trustedProxies.length === 0) return false;
  const address = readAddress(remote);
  return address !== undefined && isInAny(address, trustedProxies);
}

const IPV4_MAPPED_PREFIX = Buffer.from("00000000000000000000ffff", "hex");

/** A socket that takes both families names an IPv4 client in IPv6's form. */
function readAddress(text: string): IpAddress | undefined {
  const address = parseAddress(text);
  if (
    address?.family !== "ipv6" ||
    !IPV4_MAPPED_PREFIX.equals(address.bytes.subarray(0, IPV4_MAPPED_PREFIX.length))
  )
    return address;
  return { family: "ipv4", bytes: address.bytes.subarray(IPV4_MAPPED_PREFIX.length) };
}
