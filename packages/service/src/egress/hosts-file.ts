import { readFile, stat } from "node:fs/promises";
import { isIP } from "node:net";
import { hasCode } from "../error-code.ts";

/** Names, in lower case and without a trailing dot, and their addresses. */
export type Hosts = ReadonlyMap<string, readonly string[]>;

/** Parses a hosts file (hosts(5)). A line that does not begin with an address is ignored. */
export function parseHosts(text: string): Hosts {
  const hosts = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of names.map(canonicalName)) {
      const known = hosts.get(name);
      if (known === undefined) hosts.set(name, [address]);
      else if (!known.includes(address)) known.push(address);
    }
  }
  return hosts;
}

/** Lower case, and without the dot that ends a fully qualified name. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

/**
 * Reads the hosts file, again only after it was changed or replaced. A file that does not exist or may not be read counts as
 * empty; any other error rejects, since the names in it must never be asked of a name server.
 */
export function createHostsReader(path: string): () => Promise<Hosts> {
  let cached: { readonly version: string; readonly hosts: Hosts } | undefined;
  return async () => {
    try {
      const { mtimeMs, ctimeMs, size, ino } = await stat(path);
      const version = [mtimeMs, ctimeMs, size, ino].join(" ");
      if (cached?.version !== version) cached = { version, hosts: parseHosts(await readFile(path, "utf8")) };
      return cached.hosts;
    } catch (error) {
      if (hasCode(error, "ENOENT") || hasCode(error, "EACCES")) return new Map();
      throw error;
    }
  };
}
