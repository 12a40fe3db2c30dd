// What is measured: each row a gateway under a load, beside what it is compared with.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { begin, createMembrane, exportThrough, revoke, serve, uriOf } from "./gateways/membrane.js";
import { startFloor, startRivals, startSecureFloor, startTarget } from "./gateways/start.js";

/** @typedef {import("./measure/compare.js").Row} Row */
/** @typedef {import("./gateways/start.js").Gateway} Gateway */

const KIB = 1024;
const MIB = 1024 * 1024;
const DEPTH = 64;
const REVOKES_PER_SECOND = 100;
const COLD_DOORS = 64;

const AWS4 = {
  "aws4-hmac-sha256": {
    awsAccessKeyId: "AKIDEXAMPLE",
    region: "us-east-1",
    service: "lambda",
    secretAccessKey: "secret",
  },
};
const CAP1 = { "cap1-hmac-sha512": { key: "c2VjcmV0", keyId: "bench" } };

/** Starts what the rows of warm capabilities need, which a short run is made of. */
export async function startWarm() {
  const target = await startTarget();
  const floor = await startFloor(target);
  const begun = await begin();
  const service = await serve(begun);
  const membrane = await createMembrane(service, begun.create, "bench");
  const uri = `http://127.0.0.1:${target}/`;

  /**
   * @param {string} name
   * @param {object} configuration
   * @returns {Promise<Gateway>}
   */
  const door = async (name, configuration) => {
    const token = await exportThrough(service, membrane.export, configuration);
    return { name, pid: service.pid, url: service.url, token };
  };
  const plain = await door("plain", { uri });
  const deep = await door("64 deep", { uri });
  let beforeDeepest = deep.token;
  for (let depth = 1; depth < DEPTH; depth += 1) {
    beforeDeepest = deep.token;
    deep.token = await exportThrough(service, membrane.export, { capability: uriOf(deep.token) });
  }
  const signed = await door("signed (aws4)", { uri, hmac: AWS4 });
  const cap1 = await door("signed (cap1)", { uri, hmac: CAP1 });
  /** @type {Row[]} */
  const rows = [
    { name: "plain", gateway: plain, against: floor },
    { name: "signed (aws4)", gateway: signed, against: floor },
    { name: "signed (cap1)", gateway: cap1, against: floor },
    { name: "64 deep", gateway: deep, against: plain },
  ];
  const warm = { plain, deep, signed, cap1 };
  return { rows, target, uri, floor, begun, service, membrane, door, beforeDeepest, warm };
}

/** Starts all that the rows need. */
export async function startAll() {
  const started = await startWarm();
  const { target, uri, floor, begun, service, membrane, door, beforeDeepest, warm } = started;
  const { plain, deep, signed, cap1 } = warm;
  const rivals = await startRivals(target);
  const large = (/** @type {number} */ bytes) => door(`${bytes} bytes down`, { uri: `${uri}${bytes}` });
  const mebibyte = await large(MIB);

  const cold = await serve(begun, { name: "membrane, cold", flags: ["--cached-verdicts", "1"] });
  /**
   * Capabilities that are asked in turn for a cache that holds one verdict: nearly each is opened anew.
   *
   * @param {string} name
   * @param {object} configuration
   * @returns {Promise<Gateway>}
   */
  const coldDoors = async (name, configuration) => {
    const tokens = join(begun.data, name.replaceAll(" ", "-"));
    const made = [];
    for (let i = 0; i < COLD_DOORS; i += 1) {
      made.push(await exportThrough(service, membrane.export, configuration));
    }
    await writeFile(tokens, `${made.join("\n")}\n`);
    return { name, pid: cold.pid, url: cold.url, token: made[0] ?? "", tokens };
  };
  const shallowCold = await coldDoors("cold", { uri });
  const deepCold = await coldDoors("64 deep, cold", { capability: uriOf(beforeDeepest) });

  const crew = await serve(begun, { name: "membrane, two workers", flags: ["--workers", "2"] });

  const secure = await serve(begun, { name: "membrane, TLS", secure: true });
  const tls = join(begun.data, "tls");
  const secureFloor = await startSecureFloor(target, {
    cert: join(tls, "leaf.pem"),
    key: join(tls, "leaf.key"),
  });

  const doomed = doomedMembranes(service, begun.create);
  /** @type {Row[]} */
  const rows = [
    ...rivals.map((gateway) => ({ name: gateway.name, gateway, against: floor, isRival: true })),
    ...started.rows,
    { name: "64 deep, 100 revokes/s", gateway: deep, against: plain, meanwhile: doomed },
    { name: "cold", gateway: shallowCold, against: plain },
    { name: "64 deep, cold", gateway: deepCold, against: plain },
    { name: "1 KiB up", gateway: plain, against: floor, bodyBytes: KIB },
    { name: "1 MiB up", gateway: plain, against: floor, bodyBytes: MIB },
    { name: "1 MiB down", gateway: mebibyte, against: { ...floor, url: `${floor.url}${MIB}` } },
    { name: "two workers", gateway: { ...plain, pid: crew.pid, url: crew.url }, against: plain },
    { name: "TLS", gateway: { ...plain, pid: secure.pid, url: secure.url }, against: secureFloor },
  ];
  const inTurn = [floor, ...rivals, plain, signed, cap1, deep];
  return { rows, target, floor, rivals, plain, large, inTurn };
}

/**
 * Membranes that are made and revoked one after the other, at a fixed rate. Nothing hangs below them but what shows what
 * each costs all others.
 *
 * @param {{ url: string }} service
 * @param {string} create
 */
function doomedMembranes(service, create) {
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
