import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";
import type { LookupFunction } from "node:net";
import { HostNotFoundError } from "./errors.ts";

/** How many addresses of each family are tried: the owner of a zone must not choose how long a connection attempt takes. */
const MAX_ATTEMPTS_PER_FAMILY = 3;

/**
 * How many addresses a host may have. The policy checks each of them at each connection (512 take the event loop some
 * milliseconds), and the owner of a zone could return thousands.
 */
const MAX_ADDRESSES = 512;

/** A `LookupFunction` that returns all addresses; the signal aborts it when its result is no longer needed. */
export type NameLookup = (
  hostname: string,
  options: { readonly all: true; readonly signal: AbortSignal },
  callback: Parameters<LookupFunction>[2],
) => void;

/**
 * All addresses of a host, in the resolver's order. An address literal is not looked up.
 *
 * @throws HostNotFoundError when the lookup fails, finds nothing, or finds more than {@link MAX_ADDRESSES}.
 */
export async function resolveHost(
  hostname: string,
  lookup: NameLookup,
  signal: AbortSignal,
): Promise<readonly LookupAddress[]> {
  const addresses =
    isIP(hostname) === 0 ? await lookupAll(hostname, lookup, signal) : [toLookupAddress(hostname)];
  if (addresses.length === 0 || addresses.length > MAX_ADDRESSES) throw new HostNotFoundError();
  return addresses;
}

/** The first addresses of each family, to which a connection is attempted. */
export function limitAttempts(addresses: readonly LookupAddress[]): readonly LookupAddress[] {
  const counts = new Map<number, number>();
  return addresses.filter(({ family }) => {
    const count = (counts.get(family) ?? 0) + 1;
    counts.set(family, count);
    return count <= MAX_ATTEMPTS_PER_FAMILY;
  });
}

/**
 * A lookup that returns known addresses, so that a socket dials what the policy checked and no name is resolved a second time
 * (DNS rebinding). Node asks for all addresses if it may try several, and for one otherwise.
 */
export function fixedLookup(addresses: readonly LookupAddress[]): LookupFunction {
  return (_hostname, { all }, callback) => {
    const [first] = addresses;
    if (all === true) queueMicrotask(() => callback(null, [...addresses]));
    else if (first !== undefined) queueMicrotask(() => callback(null, first.address, first.family));
    else queueMicrotask(() => callback(new HostNotFoundError(), []));
  };
}

function lookupAll(
  hostname: string,
  lookup: NameLookup,
  signal: AbortSignal,
): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(hostname, { all: true, signal }, (cause, found) => {
      if (cause !== null) reject(new HostNotFoundError({ cause }));
      else
        resolve(
          (typeof found === "string" ? [found] : found.map(({ address }) => address)).map(toLookupAddress),
        );
    });
  });
}

/** The family is that of the address itself: a resolver's claim could make the socket use it in another way. */
export function toLookupAddress(address: string): LookupAddress {
  return { address, family: isIP(address) };
}
