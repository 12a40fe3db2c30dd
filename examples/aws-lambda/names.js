// Preloaded into a process (node --import): maps public names to ports of this machine, so that a document can be followed exactly
// without its hosts. NAMES is a list of name=port; the port replaces port 443 of the name.
import dns from "node:dns";
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

const entries = (process.env["NAMES"] ?? "").split(",").map((entry) => entry.split("="));
const ports = new Map(entries.map(([name = "", port]) => [name, Number(port)]));
/** One loopback address for each name, which identifies a connection. */
const addresses = new Map([...ports.keys()].map((name, index) => [name, `127.44.3.${index + 1}`]));
const portOf = new Map([...ports].map(([name, port]) => [addresses.get(name), port]));

const { lookup } = dns;
const { resolve4, resolve6 } = dns.promises.Resolver.prototype;
const { connect } = net.Socket.prototype;

Object.assign(dns, {
  lookup(/** @type {string} */ name, /** @type {any} */ options, /** @type {any} */ callback) {
    const address = addresses.get(name);
    if (address === undefined) return lookup(name, options, callback);
    return queueMicrotask(() =>
      options.all ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4),
    );
  },
});

// The service queries name servers directly.
Object.assign(dns.promises.Resolver.prototype, {
  resolve4(/** @type {string} */ name, /** @type {any[]} */ ...rest) {
    const address = addresses.get(name);
    return address === undefined
      ? Reflect.apply(resolve4, this, [name, ...rest])
      : Promise.resolve([address]);
  },
  resolve6(/** @type {string} */ name, /** @type {any[]} */ ...rest) {
    return addresses.has(name) ? Promise.resolve([]) : Reflect.apply(resolve6, this, [name, ...rest]);
  },
});

// The service reads the hosts file before that, so an entry for a host of the document would lead it to another address.
const { readFile } = fs;
Object.assign(fs, {
  readFile(/** @type {any} */ path, /** @type {any} */ options) {
    return path === "/etc/hosts" ? Promise.resolve("") : readFile(path, options);
  },
});

// Every connection is made by this function; net.connect passes its arguments as a list.
Object.assign(net.Socket.prototype, {
  connect(/** @type {any} */ first, /** @type {any[]} */ ...rest) {
    const options = Array.isArray(first) ? first[0] : first;
    const port =
      Number(options?.port) === 443 ? (ports.get(options.host) ?? portOf.get(options.host)) : undefined;
    // The endpoints listen only on 127.0.0.1.
    if (port !== undefined) Object.assign(options, { host: "127.0.0.1", port });
    return Reflect.apply(connect, this, [first, ...rest]);
  },
});

syncBuiltinESMExports();
