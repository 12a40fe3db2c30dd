import { randomBytes } from "node:crypto";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.js";
import { directory, run, startProgram, startUnheard } from "./start.js";

const MEMBRANE = fileURLToPath(new URL("../../packages/service/bin/membrane.js", import.meta.url));
const AUTHORITY = "bench.test";

/** A store of the bench, with the capabilities of its first start; `env` has variables that say where it is, if it is not in `data`. */
/** @typedef {{ data: string, env: Record<string, string>, create: string, query: string, provision: string }} BenchStore */
/** @typedef {Awaited<ReturnType<typeof serve>>} Service */
/** @typedef {{ url: string }} ExportedCapability */

/**
 * @param {Record<string, string>} [env]
 * @returns {Promise<BenchStore>}
 */
export async function initStore(env = {}) {
  const data = join(directory, `data-${randomBytes(4).toString("hex")}`);
  const words = ["init", "--data", data, "--authority", AUTHORITY, "--no-profile", "--json"];
  const { stdout } = await run(process.execPath, [MEMBRANE, ...words], { env: { ...process.env, ...env } });
  const { capabilities, operator } = JSON.parse(stdout);
  const { create, query } = capabilities;
  return {
    data,
    env,
    create: tokenOf(create),
    query: tokenOf(query),
    provision: tokenOf(operator.provision),
  };
}

/**
 * Copies a store, so that changes to the copy do not affect it.
 *
 * @param {BenchStore} store whose service writes nothing meanwhile
 * @returns {Promise<BenchStore>}
 */
export async function copyStore(store) {
  const data = join(directory, `data-${randomBytes(4).toString("hex")}`);
  await cp(store.data, data, { recursive: true });
  // Otherwise the first flush of a service on the copy would wait for the whole copy.
  await run("sync");
  return { ...store, data };
}

/**
 * @typedef {object} Serving
 * @property {string} [name]
 * @property {boolean} [secure]
 * @property {readonly string[]} [flags]
 * @property {boolean} [hasMetrics] true unless given
 * @property {readonly string[]} [node] flags of Node.js
 * @property {readonly string[]} [through] the command that starts it
 * @property {number} [log] descriptor for its log, which is not read here
 */

/**
 * @param {{ data: string, env?: Record<string, string> }} store
 * @param {Serving} options
 */
export async function serve(
  { data, env = {} },
  { name = "membrane", secure = false, hasMetrics = true, flags = [], ...how } = {},
) {
  const { node = [], through = [], log } = how;
  const port = log === undefined ? 0 : await freePort();
  const where = ["--data", data, "--authority", AUTHORITY, "--listen", `127.0.0.1:${port}`, "--no-profile"];
  // Another program that counts what this one does takes fifty times as long, and timers fire as often as before.
  const metrics =
    through.length > 0 || !hasMetrics ? [] : ["--metrics-listen", `127.0.0.1:${await freePort()}`];
  const given = [
    "serve",
    ...where,
    ...metrics,
    "--allow-target",
    "127.0.0.1",
    ...(secure ? [] : ["--no-tls"]),
    ...flags,
  ];
  const words = [...node, MEMBRANE, ...given];
  const service =
    log === undefined
      ? await startProgram(name, words, { env, through })
      : await startUnheard(name, [process.execPath, ...words], { env, port, log, path: "healthz" });
  if (service === undefined) throw new Error("Node.js cannot be started");
  return secure ? { ...service, url: service.url.replace("http:", "https:") } : service;
}

/**
 * Makes another tenant of the same service.
 *
 * @param {ExportedCapability} service
 * @param {string} provision
 * @param {string} id
 * @returns {Promise<{ create: string, query: string }>}
 */
export async function provisionTenant(service, provision, id) {
  const { capabilities } = await post(service, provision, { id });
  return { create: tokenOf(capabilities.create), query: tokenOf(capabilities.query) };
}

/**
 * @param {ExportedCapability} service
 * @param {string} create
 * @param {string} id
 * @returns {Promise<{ export: string, revoke: string }>}
 */
export async function createMembrane(service, create, id) {
  const { capabilities } = await post(service, create, { id });
  return { export: tokenOf(capabilities.export), revoke: tokenOf(capabilities.revoke) };
}

/**
 * @param {ExportedCapability} service
 * @param {string} exporting
 * @param {object} body
 * @returns {Promise<string>}
 */
export async function exportThrough(service, exporting, body) {
  return tokenOf((await post(service, exporting, body)).capability);
}

/** @param {string} token */
export function uriOf(token) {
  return `cpblty://${AUTHORITY}/#${token}`;
}

/**
 * Revokes and waits for the response.
 *
 * @param {ExportedCapability} service
 * @param {string} token
 * @param {{ signal?: AbortSignal }} how
 */
export async function revoke(service, token, how = {}) {
  const response = await fetch(service.url, { headers: { authorization: `Bearer ${token}` }, ...how });
  if (response.status !== 202)
    throw new Error(`expected 202, got ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

/**
 * Lists all membranes of the tenant, page by page.
 *
 * @param {ExportedCapability} service
 * @param {string} query
 * @param {number} limit of a page
 * @returns {Promise<number>} how many there are
 */
export async function queryAll(service, query, limit) {
  const headers = { authorization: `Bearer ${query}` };
  let count = 0;
  let lastId = "";
  for (;;) {
    const search = new URLSearchParams({ limit: String(limit), ...(lastId === "" ? {} : { lastId }) });
    /** @type {any} */
    const page = await (await fetch(`${service.url}?${search}`, { headers })).json();
    count += page.membranes.length;
    if (page.completed) return count;
    lastId = page.membranes.at(-1).id;
  }
}

/**
 * @param {ExportedCapability} service
 * @param {string} token
 * @param {object} body
 */
async function post(service, token, body) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(service.url, { method: "POST", headers, body: JSON.stringify(body) });
  if (response.status !== 201)
    throw new Error(`expected 201, got ${response.status}: ${await response.text()}`);
  /** @type {any} */
  const created = await response.json();
  return created;
}

/** @param {string} uri */
function tokenOf(uri) {
  return uri.slice(uri.indexOf("#") + 1);
}
