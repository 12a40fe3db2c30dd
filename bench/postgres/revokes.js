// The time until a revoke is acknowledged, which grows with the nodes that must have applied it, and that a node without a word
// makes last as long as a lease.
import { createMembrane, revoke } from "../gateways/membrane.js";
import { quantile } from "../measure/statistics.js";
import { nameOf, withNodes } from "./nodes.js";

/** @typedef {import("./figure.js").Figure} Figure */
/** @typedef {import("./world.js").World} World */
/** @typedef {import("./world.js").Side} Side */
/** @typedef {import("./run.js").How} How */

const NODES = [1, 3, 10];
/** @type {Readonly<Record<number, import("./figure.js").Goal>>} */
const GOALS = { 3: { of: "median", atMost: 10 }, 10: { of: "median", atMost: 16 } };
/** Revokes of one round, one after the other. */
const REVOKES = 50;
const KILLED_GOAL_MS = 1_200;

/**
 * @param {World} world
 * @param {How} how
 * @returns {Promise<Figure[]>}
 */
export async function measureRevokes({ lmdb, postgres }, how) {
  /** @type {Figure[]} */
  const figures = [];
  const alone = await timeRounds(lmdb, how.rounds);
  for (const count of NODES) {
    const times = await withNodes(postgres, count - 1, () => timeRounds(postgres, how.rounds));
    const what = `revoke, ${nameOf(count)}`;
    const goal = GOALS[count];
    /** @type {(at: number) => Pick<Figure, "unit" | "lmdb" | "postgres">} */
    const at = (at) => ({
      unit: "ms",
      ...(count === 1 && { lmdb: alone.map((round) => quantile(round, at)) }),
      postgres: times.map((round) => quantile(round, at)),
    });
    figures.push(
      { what: `${what}: p50`, ...at(0.5), ...(goal && { goal }) },
      { what: `${what}: p99`, ...at(0.99) },
    );
  }
  return figures;
}

/**
 * Kills one of three nodes, and revokes at once.
 *
 * @param {World} world
 * @param {How} how
 * @returns {Promise<Figure[]>}
 */
export async function measureRevokesAfterKill({ postgres }, how) {
  /** @type {number[]} */
  const first = [];
  /** @type {number[]} */
  const second = [];
  await withNodes(postgres, 1, async () => {
    for (let round = 0; round < how.rounds; round += 1) {
      const tokens = await makeRevocable(postgres, 2);
      const [one = Number.NaN, two = Number.NaN] = await withNodes(postgres, 1, async ([doomed]) => {
        if (doomed !== undefined) process.kill(doomed.pid, "SIGKILL");
        return timeRevokes(postgres, tokens);
      });
      first.push(one);
      second.push(two);
    }
  });
  return [
    {
      what: "revoke right after one of 3 nodes was killed",
      unit: "ms",
      postgres: first,
      goal: { of: "largest", atMost: KILLED_GOAL_MS },
    },
    { what: "the revoke after that", unit: "ms", postgres: second },
  ];
}

/**
 * @param {Side} side
 * @param {number} rounds
 */
async function timeRounds(side, rounds) {
  const times = [];
  await timeRevokes(side, await makeRevocable(side, REVOKES));
  for (let round = 0; round < rounds; round += 1) {
    times.push(await timeRevokes(side, await makeRevocable(side, REVOKES)));
  }
  return times;
}

/**
 * @param {Side} side
 * @param {number} count
 */
async function makeRevocable({ service, store }, count) {
  const tokens = [];
  for (let i = 0; i < count; i += 1) {
    tokens.push((await createMembrane(service, store.create, `doomed ${performance.now()}`)).revoke);
  }
  return tokens;
}

/**
 * @param {Side} side
 * @param {readonly string[]} tokens
 * @returns {Promise<number[]>} milliseconds
 */
async function timeRevokes({ service }, tokens) {
  const times = [];
  for (const token of tokens) {
    const from = performance.now();
    await revoke(service, token);
    times.push(performance.now() - from);
  }
  return times;
}
