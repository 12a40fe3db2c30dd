// The rows that are measured: each is a gateway under a load, and what it is compared with.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { initStore, createMembrane, exportThrough, revoke, serve, uriOf } from "./gateways/membrane.js";
import { startFloor, startRivals, startSecureFloor, startTarget } from "./gateways/start.js";

/** @typedef {import("./measure/compare.js").Row} Row */
/** @typedef {import("./gateways/start.js").Gateway} Gateway */

const KIB = 1024;
const MIB = 1024 * 1024;
const DEPTH = 64;
const REVOKES_PER_SECOND = 100;
const COLD_CAPABILITIES = 64;
const COUNTERS = 8;

/** A use is counted, and none is ever refused. */
const COUNTED = { maxUses: Number.MAX_SAFE_INTEGER };

/** Where the requests of the limited capability go below its base, and limits of every kind that allow it. */
const PATH = "repos/octo/hello/issues/1024?state=open";
const EIGHT_LIMITS = {
  expiresAt: "2100-01-01T00:00:00Z",
  notBefore: "2020-01-01T00:00:00Z",
  methods: ["GET", "HEAD"],
  paths: ["/repos/octo/hello", "/repos/octo/hello/**"],
  query: { state: ["open", "closed"], page: true },
  headers: { accept: true },
  maxBodyBytes: 1024,
  clientCidrs: ["127.0.0.0/8", "::1/128"],
};

const AWS4 = {
  "aws4-hmac-sha256": {
    awsAccessKeyId: "AKIDEXAMPLE",
    region: "us-east-1",
    service: "lambda",
    secretAccessKey: "secret",
  },
};
const CAP1 = { "cap1-hmac-sha512": { key: "c2VjcmV0", keyId: "bench" } };

/** Starts what the rows of warm capabilities need. A short run has only these. */
export async function startWarm() {
  const target = await startTarget();
  const floor = await startFloor(target);
  const store = await initStore();
  const service = await serve(store);
  const membrane = await createMembrane(service, store.create, "bench");
  const uri = `http://127.0.0.1:${target}/`;

  /**
   * @param {string} name
   * @param {object} configuration
   * @returns {Promise<Gateway>}
   */
  const exportCapability = async (name, configuration) => {
    const token = await exportThrough(service, membrane.export, configuration);
    return { name, pid: service.pid, url: service.url, token };
  };
  const plain = await exportCapability("plain", { uri });
  const deep = await exportCapability("64 deep", { uri });
  let beforeDeepest = deep.token;
  for (let depth = 1; depth < DEPTH; depth += 1) {
    beforeDeepest = deep.token;
    deep.token = await exportThrough(service, membrane.export, { capability: uriOf(deep.token) });
  }
  const signed = await exportCapability("signed (aws4)", { uri, hmac: AWS4 });
  const cap1 = await exportCapability("signed (cap1)", { uri, hmac: CAP1 });
  /** @type {Row[]} */
  const rows = [
    { name: "plain", gateway: plain, against: floor },
    { name: "signed (aws4)", gateway: signed, against: floor },
    { name: "signed (cap1)", gateway: cap1, against: floor },
    { name: "64 deep", gateway: deep, against: plain },
  ];
  const warm = { plain, deep, signed, cap1 };
  return { rows, target, uri, floor, store, service, membrane, exportCapability, beforeDeepest, warm };
}

/** Starts all that the rows need. */
export async function startAll() {
  const started = await startWarm();
  const { target, uri, floor, store, service, membrane, exportCapability, beforeDeepest, warm } = started;
  const { plain, deep, signed, cap1 } = warm;
  const rivals = await startRivals(target);
  const large = (/** @type {number} */ bytes) =>
    exportCapability(`${bytes} bytes down`, { uri: `${uri}${bytes}` });
  const mebibyte = await large(MIB);

  const openings = { allowPath: true, allowQuery: ["state", "page"] };
  const limited = await exportCapability("path + 8 limits", { uri, ...openings, limits: EIGHT_LIMITS });
  limited.url += PATH;

  const counted = await exportCapability("maxUses", { uri, limits: COUNTED });
  const countedOften = await exportCapability(`${COUNTERS} times maxUses`, { uri, limits: COUNTED });
  for (let counters = 1; counters < COUNTERS; counters += 1) {
    const reexport = { capability: uriOf(countedOften.token), limits: COUNTED };
    countedOften.token = await exportThrough(service, membrane.export, reexport);
  }

  const cold = await serve(store, { name: "membrane, cold", flags: ["--cache-entries", "1"] });
  /**
   * Exports capabilities that are used in turn by a service whose cache has one entry, so that nearly every record is opened again.
   *
   * @param {string} name
   * @param {object} configuration
   * @returns {Promise<Gateway>}
   */
  const exportCold = async (name, configuration) => {
    const tokens = join(store.data, name.replaceAll(" ", "-"));
    const made = [];
    for (let i = 0; i < COLD_CAPABILITIES; i += 1) {
      made.push(await exportThrough(service, membrane.export, configuration));
    }
    await writeFile(tokens, `${made.join("\n")}\n`);
    return { name, pid: cold.pid, url: cold.url, token: made[0] ?? "", tokens };
  };
  const shallowCold = await exportCold("cold", { uri });
  const deepCold = await exportCold("64 deep, cold", { capability: uriOf(beforeDeepest) });

  const twoWorkers = await serve(store, { name: "membrane, two workers", flags: ["--workers", "2"] });

  const audited = await serve(store, {
    name: "membrane, audited",
    flags: ["--audit", join(store.data, "audit.log"), "--audit-invocations", "1"],
  });

  const secure = await serve(store, { name: "membrane, TLS", secure: true });
  const tls = join(store.data, "tls");
  const secureFloor = await startSecureFloor(target, {
    cert: join(tls, "leaf.pem"),
    key: join(tls, "leaf.key"),
  });

  const revokes = createAndRevokeMembranes(service, store.create);
  /** @type {Row[]} */
  const rows = [
    ...rivals.map((gateway) => ({ name: gateway.name, gateway, against: floor, isRival: true })),
    ...started.rows,
    { name: "64 deep, 100 revokes/s", gateway: deep, against: plain, meanwhile: revokes },
    { name: limited.name, gateway: limited, against: plain },
    { name: counted.name, gateway: counted, against: plain },
    { name: countedOften.name, gateway: countedOften, against: plain },
    { name: "cold", gateway: shallowCold, against: plain },
    { name: "64 deep, cold", gateway: deepCold, against: plain },
    { name: "1 KiB up", gateway: plain, against: floor, bodyBytes: KIB },
    { name: "1 MiB up", gateway: plain, against: floor, bodyBytes: MIB },
    { name: "1 MiB down", gateway: mebibyte, against: { ...floor, url: `${floor.url}${MIB}` } },
    { name: "two workers", gateway: { ...plain, pid: twoWorkers.pid, url: twoWorkers.url }, against: plain },
    {
      name: "audited invocations",
      gateway: { ...plain, pid: audited.pid, url: audited.url },
      against: plain,
    },
    { name: "TLS", gateway: { ...plain, pid: secure.pid, url: secure.url }, against: secureFloor },
  ];
  const latencyGateways = [floor, ...rivals, plain, signed, cap1, deep, limited, counted];
  return { rows, target, floor, rivals, plain, large, latencyGateways };
}

/**
 * Creates and revokes membranes one after the other, at a fixed rate, to measure what each revoke costs other requests.
 *
 * @param {{ url: string }} service
 * @param {string} create
 */
function createAndRevokeMembranes(service, create) {
  let made = 0;
  return () => {
    const over = new AbortController();
    const going = (async () => {
      while (!over.signal.aborted) {
        made += 1;
        const membrane = await createMembrane(service, create, `doomed ${made}`);
        const next = performance.now() + 1_000 / REVOKES_PER_SECOND;
        await revoke(service, membrane.revoke);
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
      }
    })();
    return {
      async stop() {
        over.abort();
        await going;
      },
    };
  };
}
