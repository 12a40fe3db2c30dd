import { endProgram } from "../gateways/start.js";
import { isNoisy, median, quartiles } from "./statistics.js";
import { measureWindows } from "./windows.js";

/** @typedef {import("../gateways/start.js").Gateway} Gateway */
/** @typedef {import("./windows.js").Sample} Sample */
/** @typedef {import("./statistics.js").Quartiles} Quartiles */

/**
 * One of the two sides of a row. Its process is started for the row and ends after it: what V8 has compiled for other requests would
 * change the costs of these.
 *
 * @typedef {object} Side
 * @property {string} name
 * @property {() => Promise<Gateway | undefined>} start returns nothing if it is not installed
 */

/**
 * One row of the table: what is measured, what it is compared with, the load, and what is to be reached.
 *
 * @typedef {object} Row
 * @property {string} name
 * @property {Side} ours
 * @property {Side} against
 * @property {import("./windows.js").Pair["load"]} [load]
 * @property {import("./windows.js").Pair["meanwhile"]} [meanwhile]
 * @property {boolean} [isRival]
 * @property {Goal} [goal]
 */

/** @typedef {{ of: "cpuRatio" | "throughputRatio", met: number, stretch?: number }} Goal */

/** @typedef {import("./windows.js").How & { launches: number }} How `windows` of each launch */

/**
 * @typedef {object} Compared
 * @property {string} name
 * @property {string} against
 * @property {Quartiles} cpuRatio
 * @property {Quartiles} throughputRatio
 * @property {number} cpuMicroseconds
 * @property {number} againstCpuMicroseconds
 * @property {number} perSecond
 * @property {number} windows that were counted
 * @property {number} dropped
 * @property {number} disturbed of those that were counted
 * @property {boolean} noisy
 * @property {boolean} isRival
 * @property {Goal} [goal]
 */

/**
 * Measures a row with several starts of both sides: V8 compiles the same code differently from one start to the next.
 *
 * @param {Row} row
 * @param {How} how
 * @returns {Promise<Compared | undefined>} nothing if a side is not installed
 */
export async function compare(row, how) {
  const launches = [];
  for (let launch = 0; launch < how.launches; launch += 1) {
    const measured = await measureLaunch(row, how);
    if (measured === undefined) return undefined;
    launches.push(measured);
  }
  return summarize(row, launches);
}

/**
 * @param {Row} row
 * @param {How} how
 */
async function measureLaunch({ ours, against: theirs, load = {}, meanwhile }, how) {
  // One after the other: the floor uses the certificate that the service has made.
  const gateway = await ours.start();
  const against = await theirs.start();
  try {
    if (gateway === undefined || against === undefined) return undefined;
    return await measureWindows({ gateway, against, load, ...(meanwhile && { meanwhile }) }, how);
  } finally {
    if (gateway !== undefined) await endProgram(gateway);
    if (against !== undefined) await endProgram(against);
  }
}

/**
 * @param {Row} row
 * @param {readonly import("./windows.js").Measured[]} launches
 * @returns {Compared}
 */
export function summarize({ name, against, isRival = false, goal }, launches) {
  const windows = launches.flatMap((launch) => launch.windows);
  const cpuRatio = quartiles(windows.map(({ ours, theirs }) => ours.cpu / theirs.cpu));
  const disturbed = sum(launches.map((launch) => launch.disturbed));
  return {
    name,
    against: against.name,
    cpuRatio,
    throughputRatio: quartiles(windows.map(({ ours, theirs }) => ours.perSecond / theirs.perSecond)),
    cpuMicroseconds: median(windows.map(({ ours }) => ours.cpu)),
    againstCpuMicroseconds: median(windows.map(({ theirs }) => theirs.cpu)),
    perSecond: median(windows.map(({ ours }) => ours.perSecond)),
    windows: windows.length,
    dropped: sum(launches.map((launch) => launch.dropped)),
    disturbed,
    noisy: disturbed > 0 || isNoisy(cpuRatio),
    isRival,
    ...(goal && { goal }),
  };
}

/** @param {readonly number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
