// What the rows need: a target, a store with exported capabilities, and how each side of a pair is started.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { copyStore, initStore, createMembrane, exportThrough, serve, uriOf } from "./gateways/membrane.js";
import { RIVALS } from "./gateways/rivals.js";
import { endProgram, startFloor, startSecureFloor, startTarget } from "./gateways/start.js";

/** @typedef {import("./gateways/start.js").Gateway} Gateway */
/** @typedef {import("./measure/compare.js").Side} Side */
/** @typedef {Awaited<ReturnType<typeof makeWorld>>} World */
/** @typedef {{ token: string, tokens?: string, path?: string }} Capability `path`: what is requested below the target's URI */

const GIB = 1024 ** 3;
const MIB = 1024 * 1024;
const DEPTH = 64;
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

/** Starts the target, and exports the capabilities of all rows. */
export async function makeWorld() {
  const target = await startTarget();
  const store = await initStore();
  const maker = await serve(store);
  const membrane = await createMembrane(maker, store.create, "bench");
  const uri = `http://127.0.0.1:${target}/`;
  /** @param {object} configuration */
  const exportOne = (configuration) => exportThrough(maker, membrane.export, configuration);
  const capabilities = await exportAll(uri, exportOne, store.data);
  await endProgram(maker);
  const copy = await copyStore(store);

  /**
   * @param {keyof typeof capabilities} capability
   * @param {import("./gateways/membrane.js").Serving & { isApart?: boolean }} [how] `isApart`: on a copy of the store, which the
   *   other side does not change
   */
  const service = (capability, { isApart = false, ...how } = {}) => ({
    name: capability,
    async start() {
      const { path = "", ...given } = /** @type {Capability} */ (capabilities[capability]);
      const started = await serve(isApart ? copy : store, how);
      return { ...started, ...given, url: started.url + path, name: capability };
    },
  });
  return {
    target,
    store,
    service,
    /** @param {string} [path] */
    floor: (path = "") => ({
      name: "floor",
      async start() {
        const floor = await startFloor(target);
        return { ...floor, url: floor.url + path };
      },
    }),
    /** Starts after a service with TLS, which makes the certificate. */
    secureFloor: () => ({
      name: "floor, TLS",
      start() {
        const tls = join(store.data, "tls");
        return startSecureFloor(target, { cert: join(tls, "leaf.pem"), key: join(tls, "leaf.key") });
      },
    }),
    /** @type {readonly Side[]} */
    rivals: Object.entries(RIVALS).map(([name, start]) => ({ name, start: () => start(target) })),
  };
}

/**
 * @param {string} uri of the target
 * @param {(configuration: object) => Promise<string>} exportOne returns the token
 * @param {string} directory for files of tokens
 */
async function exportAll(uri, exportOne, directory) {
  /**
   * Exports through capabilities that were exported before, each with the same configuration.
   *
   * @param {number} depth
   * @param {object} [configuration]
   */
  const exportDeep = async (depth, configuration = {}) => {
    let token = await exportOne({ uri, ...configuration });
    let before = token;
    for (let made = 1; made < depth; made += 1) {
      before = token;
      token = await exportOne({ capability: uriOf(token), ...configuration });
    }
    return { token, before };
  };
  /**
   * Exports many, of which each request uses one at random: a service whose cache has one entry opens nearly every record again.
   *
   * @param {string} name of the file of tokens
   * @param {object} configuration
   */
  const exportMany = async (name, configuration) => {
    const made = [];
    while (made.length < COLD_CAPABILITIES) made.push(await exportOne(configuration));
    const tokens = join(directory, name);
    await writeFile(tokens, `${made.join("\n")}\n`);
    return { token: made[0] ?? "", tokens };
  };
  const openings = { allowPath: true, allowQuery: ["state", "page"] };
  const { token: deep, before } = await exportDeep(DEPTH);
  return {
    plain: { token: await exportOne({ uri }) },
    "signed (aws4)": { token: await exportOne({ uri, hmac: AWS4 }) },
    "signed (cap1)": { token: await exportOne({ uri, hmac: CAP1 }) },
    "64 deep": { token: deep },
    "path + 8 limits": { token: await exportOne({ uri, ...openings, limits: EIGHT_LIMITS }), path: PATH },
    maxUses: { token: await exportOne({ uri, limits: COUNTED }) },
    "8 times maxUses": { token: (await exportDeep(COUNTERS, { limits: COUNTED })).token },
    "1 MiB down": { token: await exportOne({ uri: `${uri}${MIB}` }) },
    "1 GiB down": { token: await exportOne({ uri: `${uri}${GIB}` }) },
    cold: await exportMany("cold", { uri }),
    "64 deep, cold": await exportMany("cold-64-deep", { capability: uriOf(before) }),
  };
}
