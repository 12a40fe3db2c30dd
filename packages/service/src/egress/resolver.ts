import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import type { Hosts } from "./hosts-file.ts";
import { canonicalName } from "./hosts-file.ts";
import type { NameLookup } from "./resolve-host.ts";
import { toLookupAddress } from "./resolve-host.ts";

export interface ResolverOptions {
  /** What the hosts file says; it takes precedence over the name servers. */
  readonly hosts: () => Promise<Hosts>;
  /** `address[:port]` of name servers. Default: the machine's, as resolv.conf names them at each lookup. */
  readonly servers?: readonly string[];
}

/** How long the first packet of a question is waited for; each of the next tries waits longer. */
const FIRST_ATTEMPT_MS = 1_000;

/** Enough to fill the time to connect, which ends a lookup before they do. */
const ATTEMPTS = 4;

/** How long the other family has once one has a result: time for a packet that was lost to be sent again. */
const OTHER_FAMILY_MS = 1_500;

/** RFC 6761 §6.3: these names are not looked up. */
const LOOPBACK_ADDRESSES = ["127.0.0.1", "::1"];

/**
 * Looks names up without holding a thread. `dns.lookup` holds one for each name, and libuv gives it two: a tenant that
 * exports two targets whose name servers are silent would stop all other lookups. Here a socket waits, until the signal is
 * aborted. Names are taken as they are written: a search list would let the operator's domain resolve the name of another
 * owner.
 */
export function createResolver({ hosts, servers }: ResolverOptions): NameLookup {
  const resolveName = async (name: string, signal: AbortSignal): Promise<readonly string[]> => {
    const pinned = (await hosts()).get(name);
    if (pinned !== undefined) return pinned.toSorted((one, other) => isIP(one) - isIP(other));
    if (name === "localhost" || name.endsWith(".localhost")) return LOOPBACK_ADDRESSES;
    signal.throwIfAborted();
    const resolver = new Resolver({ timeout: FIRST_ATTEMPT_MS, tries: ATTEMPTS });
    if (servers !== undefined) resolver.setServers(servers);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener("abort", cancel);
    try {
      return await resolveBothFamilies(name, resolver);
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
  return (hostname, { signal }, callback) => {
    resolveName(canonicalName(hostname), signal).then(
      (addresses) => callback(null, addresses.map(toLookupAddress)),
      (error: unknown) => callback(error instanceof Error ? error : new Error("no response"), []),
    );
  };
}

/**
 * A, then AAAA; nothing, if neither has an address. The addresses of one family are used whatever becomes of the other:
 * servers that fail or are silent for AAAA are common (RFC 4074), and a zone that holds a response back gains nothing, since
 * the policy checks every address that is dialled.
 */
async function resolveBothFamilies(name: string, resolver: Resolver): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined;
  const queries = [resolver.resolve4(name), resolver.resolve6(name)].map(async (query) => {
    const addresses = await query;
    timer ??= setTimeout(() => resolver.cancel(), OTHER_FAMILY_MS);
    return addresses;
  });
  const results = await Promise.allSettled(queries);
  clearTimeout(timer);
  return results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
}
