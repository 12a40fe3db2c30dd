// Throughput and latency of what is written: membranes made, capabilities exported through one membrane, membranes revoked. All by
// one tenant, whose counts each write changes: many tenants wait less for each other.
import { join } from "node:path";
import { directory } from "../gateways/start.js";
import { measureCalls } from "../measure/calls.js";
import { failuresOf, figureOf, inTurn } from "./rounds.js";

/** @typedef {import("./figure.js").Figure} Figure */
/** @typedef {import("./world.js").World} World */
/** @typedef {import("./world.js").Side} Side */
/** @typedef {import("./run.js").How} How */
/** @typedef {import("../measure/calls.js").CallsCost} CallsCost */

const CALLERS = [1, 32];
const SECONDS = 3;

/**
 * @param {World} world
 * @param {How} how
 * @returns {Promise<Figure[]>}
 */
export async function measureWrites({ lmdb, postgres, uri }, how) {
  const figures = [];
  for (const callers of CALLERS) {
    /** @param {Side} side @param {number} seconds */
    const measure = (side, seconds) => writeOnce(side, { callers, seconds, uri });
    const rounds = await inTurn({ lmdb, postgres }, how.rounds, measure, SECONDS);
    for (const kind of /** @type {const} */ (["create", "export", "revoke"])) {
      const of = {
        lmdb: rounds.lmdb.map((round) => round[kind]),
        postgres: rounds.postgres.map((round) => round[kind]),
      };
      const what = `${kind}, ${callers} caller${callers === 1 ? "" : "s"}`;
      figures.push(
        figureOf(`${what}: throughput`, "calls/s", of, ({ perSecond }) => perSecond),
        figureOf(`${what}: p50`, "ms", of, ({ p50 }) => p50),
        figureOf(`${what}: p99`, "ms", of, ({ p99 }) => p99),
        figureOf(`${what}: CPU of the node`, "µs", of, ({ nodeMicroseconds }) => nodeMicroseconds),
        {
          what: `${what}: CPU of the server`,
          unit: "µs",
          postgres: of.postgres.map(({ serverMicroseconds }) => serverMicroseconds),
        },
        ...failuresOf(what, of),
      );
    }
  }
  return figures;
}

/**
 * Makes membranes, exports through one, and revokes those that were made.
 *
 * @param {Side} side
 * @param {{ callers: number, seconds: number, uri: string }} how
 */
async function writeOnce({ name, service, server, tokens }, { callers, seconds, uri }) {
  const urls = [service.url];
  const programs = { nodes: [service], server };
  const revokeTokens = join(directory, `${name}-revoke`);
  const load = { urls, callers, seconds };
  return {
    create: await measureCalls({ ...load, kind: "create", tokens: tokens.create, revokeTokens }, programs),
    export: await measureCalls({ ...load, kind: "export", tokens: tokens.export, uri }, programs),
    revoke: await measureCalls({ ...load, kind: "revoke", tokens: revokeTokens }, programs),
  };
}
