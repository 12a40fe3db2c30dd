import type { Cidr, IpAddress } from "../egress/address.ts";
import { contains, parseAddress } from "../egress/address.ts";

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
    if (client === undefined || !isIn(client, trustedProxies)) return client;
    const before = readAddress(hop.trim());
    if (before === undefined) return client;
    client = before;
  }
  return client;
}

/** Whom a count is kept for: an IPv4 address, or the 64 bits of an IPv6 network, of which a client has as many as it likes. */
export function addressKey({ family, bytes }: IpAddress): string {
  return Buffer.from(family === "ipv4" ? bytes : bytes.subarray(0, 8)).toString("hex");
}

/** Whether one of the blocks holds the address. */
export function isIn(address: IpAddress, blocks: readonly Cidr[]): boolean {
  return blocks.some((block) => contains(block, address));
}

const MAPPED = Buffer.from("00000000000000000000ffff", "hex");

/** A socket that takes both families names an IPv4 client in IPv6's form. */
function readAddress(text: string): IpAddress | undefined {
  const address = parseAddress(text);
  if (address?.family !== "ipv6" || !MAPPED.equals(address.bytes.subarray(0, MAPPED.length))) return address;
  return { family: "ipv4", bytes: address.bytes.subarray(MAPPED.length) };
}
