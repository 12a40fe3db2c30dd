import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import type { Hosts } from "./hosts-file.ts";
import { canonicalName } from "./hosts-file.ts";
import type { NameLookup } from "./resolve-host.ts";
import { toLookupAddress } from "./resolve-host.ts";

export interface ResolverOptions {
  /** The hosts file, which takes precedence over the name servers. */
  readonly hosts: () => Promise<Hosts>;
  /** `address[:port]` of name servers. Default: the machine's, as resolv.conf names them at each lookup. */
  readonly servers?: readonly string[];
}

/** Timeout of the first query in milliseconds; those of the next ones are longer. */
const FIRST_ATTEMPT_MS = 1_000;

/** Enough for the whole time to connect, which ends a lookup earlier. */
const ATTEMPTS = 4;

/** How long the other family has after one has a result, in milliseconds: enough to send a lost packet again. */
const OTHER_FAMILY_MS = 1_500;

/** RFC 6761 §6.3: these names are not looked up. */
const LOOPBACK_ADDRESSES = ["127.0.0.1", "::1"];

/**
 * Looks names up over sockets. `dns.lookup` has two threads, so that two names whose servers are silent would stop all other
 * lookups.
 *
 * Names are looked up as they are written. A search list would let the operator's domain resolve the name of another owner.
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
 * The addresses of both families, A first. Those of one family are used if the other fails: servers that fail or are silent for
 * AAAA are common (RFC 4074). A zone that withholds a family gains nothing, since the policy checks every address.
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
