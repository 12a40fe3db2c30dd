import { memoized } from "../collections/memoized.ts";
import type { DownstreamRequest } from "../http1/downstream.ts";
import { valuesOf } from "../invocation/raw-headers.ts";
import type { Cidr, IpAddress } from "../net/address.ts";
import { isInAny, parsePeerAddress } from "../net/peer-address.ts";

/**
 * Determines the address of the client. `X-Forwarded-For` is read from its end, and only as far as proxies that the operator
 * trusts wrote it: the client may have invented all that precedes.
 *
 * @param remote the other end of the connection.
 * @param forwardedFor `X-Forwarded-For`, its lines joined by commas.
 * @returns nothing if `remote` is not a numeric address.
 */
export function clientAddress(
  remote: string,
  forwardedFor: string | undefined,
  trustedProxies: readonly Cidr[],
): IpAddress | undefined {
  let client = parseRemote(remote).address;
  if (trustedProxies.length === 0) return client;
  const hops = (forwardedFor ?? "").split(",").toReversed();
  for (const hop of hops) {
    if (client === undefined || !isInAny(client, trustedProxies)) return client;
    const previous = parsePeerAddress(hop.trim());
    if (previous === undefined) return client;
    client = previous;
  }
  return client;
}

/** A connection's other end, the same for all its requests. */
const parseRemote = memoized((text) => ({ address: parsePeerAddress(text) }));

/** The address of the client that has sent a request. */
export function addressOf(
  { socket, rawHeaders }: Pick<DownstreamRequest, "socket" | "rawHeaders">,
  trustedProxies: readonly Cidr[],
): IpAddress | undefined {
  const forwardedFor =
    trustedProxies.length === 0 ? undefined : valuesOf(rawHeaders, "x-forwarded-for").join(",");
  return clientAddress(socket.remoteAddress ?? "", forwardedFor, trustedProxies);
}

/** Whether the other end of a connection is a proxy whose headers are trusted. */
export function isTrustedProxy(remote: string, trustedProxies: readonly Cidr[]): boolean {
  if (trustedProxies.length === 0) return false;
  const { address } = parseRemote(remote);
  return address !== undefined && isInAny(address, trustedProxies);
}
