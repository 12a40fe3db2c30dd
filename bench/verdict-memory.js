// `node bench/verdict-memory.js [../other]`: how much memory the resolution of a capability at the first level takes here and in another built
// checkout, over LMDB: of 20,000 that are in the cache, and of as many that were evicted from it.
import { fork } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const CAPABILITIES = "20000";
const RESOLVER = fileURLToPath(new URL("cold/resolver.js", import.meta.url));

const [other] = process.argv.slice(2);
const checkouts = {
  here: fileURLToPath(new URL("..", import.meta.url)),
  ...(other === undefined ? {} : { there: resolve(other) }),
};
/** @type {Record<string, Record<string, string>>} */
const table = {};
for (const [name, checkout] of Object.entries(checkouts)) {
  const child = fork(RESOLVER, [checkout, CAPABILITIES], { execArgv: ["--expose-gc"] });
  await once(child, "message");
  child.send("memory");
  const [{ cached, evicted }] = await once(child, "message");
  child.send("end");
  await once(child, "exit");
  table[name] = {
    "in the cache": kib(cached),
    evicted: kib(evicted),
    "of the verdict": kib(cached - evicted),
  };
}
console.table(table);

/** @param {number} bytes */
function kib(bytes) {
  return `${(bytes / 1_024).toFixed(2)} KiB`;
}
