// What several nodes do together. Where nodes, server, target and load share two processors, the throughput of all cannot grow with
// the nodes; the CPU time of a call says what more machines would add, and the server's part of it where that ends.
import { measureCalls } from "../measure/calls.js";
import { countInClosedLoops } from "../measure/closed-loop.js";
import { cpuSeconds } from "../measure/process.js";
import { nameOf, withNodes } from "./nodes.js";
import { failuresOf } from "./rounds.js";

/** @typedef {import("./figure.js").Figure} Figure */
/** @typedef {import("./world.js").World} World */
/** @typedef {import("./world.js").Side} Side */
/** @typedef {import("./run.js").How} How */
/** @typedef {import("./nodes.js").Node} Node */
/** @typedef {Pick<import("../measure/calls.js").CallsCost, "failed" | "perSecond" | "nodeMicroseconds" | "serverMicroseconds">} Cost */

const NODES = [1, 2, 4];
const CALLERS = 32;

/**
 * @param {World} world
 * @param {How} how
 * @returns {Promise<Figure[]>}
 */
export async function measureTogether({ postgres, server }, how) {
  /** @type {Figure[]} */
  const figures = [];
  for (const count of NODES) {
    const rounds = await withNodes(postgres, count - 1, (others) =>
      measureRounds({ nodes: [postgres.service, ...others], server }, postgres, how),
    );
    for (const kind of /** @type {const} */ (["warm invocations", "creates"])) {
      const costs = rounds.map((round) => round[kind]);
      figures.push(...figuresOf(`${kind}, ${nameOf(count)}`, costs));
    }
  }
  return figures;
}

/**
 * @param {{ nodes: readonly Node[], server: { pid: number } }} programs
 * @param {Side} side
 * @param {How} how
 */
async function measureRounds(programs, side, how) {
  const seconds = how.seconds * 2;
  const creates = {
    kind: /** @type {const} */ ("create"),
    urls: programs.nodes.map(({ url }) => url),
    tokens: side.tokens.create,
    callers: CALLERS,
    seconds,
  };
  const measure = async () => ({
    "warm invocations": await measureInvocations(programs, side, seconds),
    creates: await measureCalls(creates, programs),
  });
  // What is compiled and connected first does not count.
  await measure();
  const rounds = [];
  while (rounds.length < how.rounds) rounds.push(await measure());
  return rounds;
}

/**
 * Loads all nodes at once, each from a thread.
 *
 * @param {{ nodes: readonly Node[], server: { pid: number } }} programs
 * @param {Side} side
 * @param {number} seconds
 * @returns {Promise<Cost>}
 */
async function measureInvocations({ nodes, server }, { plain }, seconds) {
  const read = () => [server, ...nodes].map(({ pid }) => cpuSeconds(pid));
  const before = read();
  const gateways = nodes.map((node) => ({ ...node, token: plain.token }));
  const total = sum(await countInClosedLoops(gateways, { seconds, connections: CALLERS / nodes.length }));
  const after = read();
  const [ofServer = Number.NaN, ...ofNodes] = after.map((cpu, index) => cpu - (before[index] ?? Number.NaN));
  return {
    failed: 0,
    perSecond: total / seconds,
    nodeMicroseconds: (sum(ofNodes) * 1e6) / total,
    serverMicroseconds: (ofServer * 1e6) / total,
  };
}

/**
 * @param {string} what
 * @param {readonly Cost[]} rounds
 * @returns {Figure[]}
 */
function figuresOf(what, rounds) {
  return [
    { what: `${what}: throughput`, unit: "calls/s", postgres: rounds.map(({ perSecond }) => perSecond) },
    {
      what: `${what}: CPU of the nodes`,
      unit: "µs",
      postgres: rounds.map(({ nodeMicroseconds }) => nodeMicroseconds),
    },
    {
      what: `${what}: CPU of the server`,
      unit: "µs",
      postgres: rounds.map(({ serverMicroseconds }) => serverMicroseconds),
    },
    ...failuresOf(what, { postgres: rounds }),
  ];
}

/** @param {readonly number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
