// A process of `cold-opens.js` and `verdict-memory.js`: makes a store with the code of a checkout, and resolves its capabilities when it is
// asked to.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { hash, randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** @typedef {typeof import("../../packages/service/dist/store/keys.js")} Keys */
/** @typedef {typeof import("../../packages/service/dist/store/lmdb/engine.js")} Lmdb */
/** @typedef {typeof import("../../packages/service/dist/store/operations/create-store.js")} Operations */
/** @typedef {typeof import("../../packages/service/dist/store/vault.js")} Vaults */
/** @typedef {typeof import("../../packages/service/dist/store/target-seal.js")} Targets */
/** @typedef {typeof import("../../packages/service/dist/service/revocation-monitor.js")} Monitors */
/** @typedef {typeof import("../../packages/service/dist/invocation/usage-accounts.js")} Accounts */
/** @typedef {typeof import("../../packages/service/dist/invocation/resolve.js")} Resolving */
/** @typedef {typeof import("../../packages/protocol/dist/index.js")} Protocol */
/** @typedef {import("../../packages/protocol/dist/index.js").CapabilityToken} CapabilityToken */
/** @typedef {import("../../packages/service/dist/invocation/resolve.js").ResolveContext} ResolveContext */
/** @typedef {import("../../packages/service/dist/store/record.js").StoredRecord} StoredRecord */

/** Processor time of one resolution, by what was resolved. @typedef {Record<string, number>} Microseconds */

const DEPTH = 64;
const KEY_BYTES = 32;
const MANY = 1_000_000;
const MAX_LINEAGE_NODES = 256;

const [checkout = "", capabilities = "1000"] = process.argv.slice(2);
const CAPABILITIES = Number(capabilities);
const directory = await mkdtemp(join(tmpdir(), "membrane-cold-"));
try {
  const store = await makeStore();
  process.send?.("ready");
  for (let asked = await nextMessage(); asked !== "end"; asked = await nextMessage()) {
    if (asked === "memory") {
      process.send?.(await measureMemory(store));
      continue;
    }
    /** @type {Microseconds} */
    const microseconds = {};
    for (const [name, tokens] of Object.entries(store.tokens)) {
      const large = await store.open(MANY);
      microseconds[`${name}, first use`] = await measure(large, tokens);
      await large.close();
      const small = await store.open(1);
      await measure(small, tokens);
      microseconds[`${name}, evicted before`] = await measure(small, tokens);
      await small.close();
    }
    process.send?.(microseconds);
  }
} finally {
  await rm(directory, { recursive: true });
}
process.disconnect();

async function nextMessage() {
  const [message] = await once(process, "message");
  return message;
}

/**
 * @param {Opened} opened
 * @param {readonly CapabilityToken[]} tokens
 * @returns {Promise<number>}
 */
async function measure({ resolve, context }, tokens) {
  const before = process.cpuUsage();
  for (const token of tokens) {
    const resolved = await resolve(context, token);
    if (!resolved.ok) throw new Error("a capability is not resolved");
    resolved.value.inFlight.finishInvocation();
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / tokens.length;
}

/**
 * Memory of a resolved capability at the first level, in bytes: what is kept with a resolution in the cache, and what is kept when the
 * resolution was evicted, since it has separate bounds.
 *
 * @param {Awaited<ReturnType<typeof makeStore>>} store
 * @returns {Promise<{ cached: number, evicted: number }>}
 */
async function measureMemory(store) {
  const kept = async (/** @type {number} */ cacheEntries) => {
    const opened = await store.open(cacheEntries);
    const before = usedBytes();
    await measure(opened, store.tokens.shallow);
    const bytes = (usedBytes() - before) / store.tokens.shallow.length;
    await opened.close();
    return bytes;
  };
  // The code that is compiled meanwhile is memory, too.
  await kept(MANY);
  return { cached: await kept(MANY), evicted: await kept(1) };
}

function usedBytes() {
  if (globalThis.gc === undefined) throw new Error("expected to be started with --expose-gc");
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** @typedef {{ resolve: Resolving["resolve"], context: ResolveContext, close(): Promise<void> }} Opened */

async function makeStore() {
  const modules = await loadModules();
  const { createServiceKeys, openLmdbEngine, createStore, createVault, sealTarget } = modules;
  const { startRevocationMonitor, createAccountRegistry, resolve, parseExportRequest } = modules;

  const keys = createServiceKeys(randomBytes(KEY_BYTES));
  const now = () => new Date();
  const quotas = {
    maxTenants: MANY,
    maxMembranesPerTenant: MANY,
    maxCapabilitiesPerMembrane: MANY,
    maxOwnCapabilitiesPerTenant: MANY,
    maxLineageNodes: MAX_LINEAGE_NODES,
    storedBytesPerMembrane: Number.MAX_SAFE_INTEGER,
    storedBytesPerTenant: Number.MAX_SAFE_INTEGER,
    expiredRetentionMs: MANY,
  };
  const openStore = async () => {
    const engine = await openLmdbEngine({ directory, keys, writeTimeoutMs: 60_000, reserveBytes: 0 });
    const store = createStore(engine, quotas, () => now().getTime());
    return { store, vault: createVault(store, engine.keys, randomBytes) };
  };
  const { store, vault } = await openStore();

  /** @param {readonly StoredRecord[]} records */
  const create = async (records) => {
    const created = await store.create(records);
    if (!created.ok) throw new Error(created.error.reason);
  };
  const tenant = vault.newUid();
  const creating = vault.mint({ kind: "create", resource: tenant }, Buffer.alloc(0)).record;
  await create([
    { type: "tenant", uid: tenant, version: 1, name: "t", revoked: false, publicKey: randomBytes(KEY_BYTES) },
    creating,
  ]);
  const membrane = vault.newUid();
  const exporting = vault.mint({ kind: "export", resource: membrane }, Buffer.alloc(0)).record;
  const made = { tenant, createdBy: creating.uid, recipientKey: randomBytes(KEY_BYTES) };
  await create([
    {
      type: "membrane",
      uid: membrane,
      version: 1,
      name: "m",
      revoked: false,
      ...made,
      sealed: randomBytes(128),
    },
    exporting,
  ]);
  const body = parseExportRequest({ uri: "https://target.example/path", headers: { accept: "text/plain" } });
  if (!body.ok || body.value.kind !== "target") throw new Error("not a target");
  const content = /** @type {const} */ ({ kind: "configured", configuration: body.value.target });
  const provenance = { membrane, createdBy: exporting.uid };
  const dataKey = randomBytes(KEY_BYTES);

  const exportTarget = async () => {
    const target = sealTarget({ type: "target", uid: vault.newUid(), ...provenance }, content, dataKey);
    const minted = vault.mint({ kind: "invoke", resource: target.uid, ...provenance }, dataKey);
    await create([target, minted.record]);
    return minted;
  };
  /** @param {StoredRecord & { type: "capability" }} parent */
  const reexport = async ({ uid: parent, resource }) => {
    const rights = { kind: /** @type {const} */ ("invoke"), parent, ...provenance };
    const minted = vault.mint({ ...rights, ...(resource === undefined ? {} : { resource }) }, dataKey);
    await create([minted.record]);
    return minted;
  };
  /** @param {() => Promise<{ token: CapabilityToken }>} mint */
  const several = async (mint) => {
    /** @type {CapabilityToken[]} */
    const tokens = [];
    while (tokens.length < CAPABILITIES) {
      const minted = await Promise.all(Array.from({ length: 50 }, mint));
      tokens.push(...minted.map(({ token }) => token));
    }
    return tokens;
  };
  const shallow = await several(exportTarget);
  let parent = (await exportTarget()).record;
  for (let depth = 2; depth < DEPTH; depth += 1) parent = (await reexport(parent)).record;
  const deep = await several(() => reexport(parent));
  await store.close();

  /**
   * @param {number} cacheEntries
   * @returns {Promise<Opened>} the store, opened anew, with nothing of it in memory.
   */
  const open = async (cacheEntries) => {
    const { store, vault } = await openStore();
    const limits = { cacheEntries, cacheBytes: Number.MAX_SAFE_INTEGER, maxRevocationStalenessMs: 2_000 };
    const log = { swept: () => undefined, fault: fail };
    const monitor = await startRevocationMonitor(limits, { store, log, now }, () => performance.now());
    const { feed, cache, inFlightRegistry } = monitor;
    const context = {
      feed,
      cache,
      inFlightRegistry,
      vault,
      lookups: { hits: 0, misses: 0 },
      accountRegistry: createAccountRegistry(),
      digest: hash,
      authorityCa: () => undefined,
    };
    const close = async () => {
      await monitor.close();
      await store.close();
    };
    return { resolve, context, close };
  };
  return { tokens: { shallow, "64 deep": deep }, open };
}

/** @typedef {Keys & Lmdb & Operations & Vaults & Targets & Monitors & Accounts & Resolving & Protocol} Modules */

/** @returns {Promise<Modules>} */
async function loadModules() {
  /** @param {string} file */
  const load = (file) => import(pathToFileURL(join(checkout, "packages", file)).href);
  return {
    ...(await load("service/dist/store/keys.js")),
    ...(await load("service/dist/store/lmdb/engine.js")),
    ...(await load("service/dist/store/operations/create-store.js")),
    ...(await load("service/dist/store/vault.js")),
    ...(await load("service/dist/store/target-seal.js")),
    ...(await load("service/dist/service/revocation-monitor.js")),
    ...(await load("service/dist/invocation/usage-accounts.js")),
    ...(await load("service/dist/invocation/resolve.js")),
    ...(await load("protocol/dist/index.js")),
  };
}

/** @param {unknown} error */
function fail(error) {
  throw error;
}
