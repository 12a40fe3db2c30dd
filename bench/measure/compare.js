import { cpuSeconds } from "./process.js";
import { apply } from "./load.js";
import { isNoisy, median, quartiles } from "./statistics.js";

/** @typedef {import("../gateways/start.js").Gateway} Gateway */
/** @typedef {{ cpu: number, perSecond: number }} Sample */
/** @typedef {import("./statistics.js").Quartiles} Quartiles */

/**
 * One row of the table: what is measured, what it is compared with, and the load.
 *
 * @typedef {object} Row
 * @property {string} name
 * @property {Gateway} gateway
 * @property {Gateway} against
 * @property {number} [bodyBytes] sent with each request
 * @property {() => { stop(): Promise<void> }} [meanwhile] runs during each stretch of the gateway
 * @property {boolean} [isRival]
 */

/**
 * @typedef {object} Compared
 * @property {string} name
 * @property {string} against
 * @property {Quartiles} cpuRatio
 * @property {Quartiles} throughputRatio
 * @property {number} cpuMicroseconds
 * @property {number} againstCpuMicroseconds
 * @property {number} perSecond
 * @property {boolean} noisy
 * @property {boolean} isRival
 */

/**
 * @param {Row} row
 * @param {{ pairs: number, seconds: number, warmSeconds: number, connections: number }} how
 * @returns {Promise<Compared>}
 */
export async function compare(row, how) {
  const pairs = await measurePairs(row, how);
  /** @param {(sample: Sample) => number} of */
  const ratio = (of) => quartiles(pairs.map(({ ours, theirs }) => of(ours) / of(theirs)));
  const cpuRatio = ratio(({ cpu }) => cpu);
  return {
    name: row.name,
    against: row.against.name,
    cpuRatio,
    throughputRatio: ratio(({ perSecond }) => perSecond),
    cpuMicroseconds: median(pairs.map(({ ours }) => ours.cpu)),
    againstCpuMicroseconds: median(pairs.map(({ theirs }) => theirs.cpu)),
    perSecond: median(pairs.map(({ ours }) => ours.perSecond)),
    isRival: row.isRival ?? false,
    noisy: isNoisy(cpuRatio),
  };
}

/**
 * Measures interleaved pairs, so that other load on the machine affects both sides.
 *
 * @param {Row} row
 * @param {{ pairs: number, seconds: number, warmSeconds: number, connections: number }} how
 */
export async function measurePairs(row, how) {
  /** @type {{ ours: Sample, theirs: Sample }[]} */
  const pairs = [];
  const warming = { ...how, seconds: how.warmSeconds };
  await measure(row.against, row, warming);
  await measure(row.gateway, row, warming);
  for (let pair = 0; pair < how.pairs; pair += 1) {
    const theirs = await measure(row.against, row, how);
    const background = row.meanwhile?.();
    const ours = await measure(row.gateway, row, how).finally(() => background?.stop());
    pairs.push({ ours, theirs });
  }
  return pairs;
}

/**
 * @param {Gateway} gateway
 * @param {{ bodyBytes?: number }} load
 * @param {{ seconds: number, connections: number }} how
 * @returns {Promise<Sample>}
 */
async function measure(gateway, { bodyBytes }, { seconds, connections }) {
  const before = await cpuSeconds(gateway.pid);
  const { total, perSecond } = await apply({
    ...gateway,
    seconds,
    connections,
    ...(bodyBytes === undefined ? {} : { bodyBytes }),
  });
  return { cpu: (((await cpuSeconds(gateway.pid)) - before) * 1e6) / total, perSecond };
}
