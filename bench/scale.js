// What a million capabilities change: in the time to start, in memory, in invocations, in a revoke of all of them at once.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { begin, createMembrane, exportThrough, revoke, serve } from "./gateways/membrane.js";
import { directory } from "./gateways/start.js";
import { latency } from "./measure/latency.js";
import { anonymousBytes } from "./measure/process.js";
import { median } from "./measure/statistics.js";

/** @typedef {import("./gateways/start.js").Gateway} Gateway */
/** @typedef {import("./measure/compare.js").Row} Row */

const FILL = fileURLToPath(new URL("gateways/fill.js", import.meta.url));
const FEW = 1_000;
const HOT = 100;
const SMALL_REVOKES = 9;

/** A service on a store with `count` capabilities, all through one membrane. */
/**
 * @param {number} count
 * @param {number} target
 */
export async function startFilled(count, target) {
  const begun = await begin();
  const maker = await serve(begun);
  const membrane = await createMembrane(maker, begun.create, "holds all");
  const tokens = join(directory, `tokens-${count}`);
  await fill({
    data: begun.data,
    export: membrane.export,
    count,
    uri: `http://127.0.0.1:${target}/`,
    tokens,
  });
  process.kill(maker.pid, "SIGTERM");
  const hot = `${tokens}-hot`;
  const all = (await readFile(tokens, "utf8")).trim().split("\n");
  await writeFile(hot, `${all.slice(0, HOT).join("\n")}\n`);
  const service = await serve(begun);
  /** @type {(name: string, file: string) => Gateway} */
  const through = (name, file) => ({
    name,
    pid: service.pid,
    url: service.url,
    token: all[0] ?? "",
    tokens: file,
  });
  return {
    begun,
    service,
    membrane,
    hot: through(`${count} stored, hot set`, hot),
    uniform: through(`${count} stored, uniform`, tokens),
  };
}

/** @param {object} what */
async function fill(what) {
  const child = spawn(process.execPath, [FILL], { stdio: ["pipe", "inherit", "inherit"] });
  child.stdin.end(JSON.stringify(what));
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error("the store could not be filled");
}

/**
 * @param {number} many
 * @param {number} target
 */
export async function startScale(many, target) {
  const few = await startFilled(FEW, target);
  const full = await startFilled(many, target);
  /** @type {Row[]} */
  const rows = [
    { name: `${many} stored, hot set`, gateway: full.hot, against: few.hot },
    { name: `${many} stored, uniform`, gateway: full.uniform, against: few.hot },
  ];
  return { few, full, rows };
}

/**
 * Revokes the membrane that holds all, once all else was measured.
 *
 * @param {Awaited<ReturnType<typeof startScale>>} scale
 * @param {number} target
 * @param {{ rate: number, seconds: number, connections: number }} how
 */
export async function revokeAll({ full }, target, how) {
  const { service, begun, membrane } = full;
  const other = await createMembrane(service, begun.create, "other");
  const token = await exportThrough(service, other.export, { uri: `http://127.0.0.1:${target}/` });
  const door = { name: "other membrane", pid: service.pid, url: service.url, token };
  const small = [];
  for (let round = 0; round < SMALL_REVOKES; round += 1) {
    const one = await createMembrane(service, begun.create, `one ${round}`);
    await exportThrough(service, one.export, { uri: `http://127.0.0.1:${target}/` });
    small.push(await timed(() => revoke(service, one.revoke)));
  }
  const before = await latency(door, how);
  const all = await timed(() => revoke(service, membrane.revoke));
  const whileSweeping = await latency(door, how);
  return {
    startMs: service.startMs,
    anonymousBytes: await anonymousBytes(service.pid),
    revokeOneMs: median(small),
    revokeAllMs: all,
    before,
    whileSweeping,
  };
}

/** @param {() => Promise<unknown>} act */
async function timed(act) {
  const from = performance.now();
  await act();
  return performance.now() - from;
}
