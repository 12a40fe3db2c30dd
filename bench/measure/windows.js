import { setTimeout as sleep } from "node:timers/promises";
import { availableParallelism } from "node:os";
import { startClosedLoop } from "./closed-loop.js";
import { cpuSecondsOf, family, machineSeconds, writtenBytesOf } from "./process.js";

/** @typedef {import("../gateways/start.js").Gateway} Gateway */

/** @typedef {{ cpu: number, perSecond: number, written: number }} Sample of a request: `cpu`, microseconds; `written`, bytes */

/**
 * A stretch of time in which both sides were loaded.
 *
 * @typedef {object} Window
 * @property {Sample} ours
 * @property {Sample} theirs
 * @property {number} others the share of all processors that what the bench did not start took, from 0 to 1
 */

/** @typedef {{ windows: readonly Window[], dropped: number, disturbed: number }} Measured */

/**
 * @typedef {object} Pair
 * @property {Gateway} gateway
 * @property {Gateway} against
 * @property {Omit<import("./closed-loop.js").Load, "connections">} [load] of each of them
 * @property {(gateway: Gateway) => { stop(): Promise<void> }} [meanwhile] is done to the gateway meanwhile
 */

/** @typedef {{ windows: number, seconds: number, warmSeconds: number, connections: number }} How */

/** A window of which others took more is dropped. The kernel counts what itself does in interrupts as theirs: three hundredths. */
const MAX_OTHERS = 0.08;

/** How many windows are measured at most for each that is wanted. */
const MAX_ATTEMPTS = 2;

/** How many times as long as wanted a window may take until both sides have responded. */
const MAX_EXTENSIONS = 20;

/**
 * Measures two running gateways in the same windows: both are loaded at once, so that whatever the machine does meanwhile, it does
 * to both.
 *
 * @param {Pair} pair
 * @param {How} how
 * @returns {Promise<Measured>}
 */
export async function measureWindows({ gateway, against, load = {}, meanwhile }, how) {
  const { connections } = how;
  const loops = await Promise.all([
    startClosedLoop(gateway, { connections, ...load }),
    startClosedLoop(against, { connections, ...load }),
  ]);
  const background = meanwhile?.(gateway);
  try {
    await sleep(how.warmSeconds * 1_000);
    return quietest(await readWindows(createReader(gateway, against, loops), how), how.windows);
  } finally {
    await background?.stop();
    await Promise.all(loops.map((loop) => loop.stop()));
  }
}

/**
 * Takes the windows in which others did the least.
 *
 * @param {readonly Window[]} windows
 * @param {number} wanted
 * @returns {Measured} `dropped`: how many it did not take; `disturbed`: how many of those it took were not quiet
 */
export function quietest(windows, wanted) {
  const taken = windows.toSorted((a, b) => a.others - b.others).slice(0, wanted);
  return {
    windows: taken,
    dropped: windows.length - taken.length,
    disturbed: taken.filter((window) => !isQuiet(window)).length,
  };
}

/** @typedef {{ at: number, ours: Reading, theirs: Reading, bench: number, machine: number }} Readings */
/**
 * Since the start: seconds of the processor, bytes that were written, and responses.
 *
 * @typedef {{ cpu: number, written: number, completed: number }} Reading
 */

/**
 * Measures window after window, until enough were quiet or enough were measured.
 *
 * @param {() => Readings} read
 * @param {How} how
 */
async function readWindows(read, { windows: wanted, seconds }) {
  /** @type {Window[]} */
  const windows = [];
  let quiet = 0;
  let from = read();
  while (quiet < wanted && windows.length < wanted * MAX_ATTEMPTS) {
    const to = await readLater(read, from, seconds);
    const window = between(from, to);
    windows.push(window);
    if (isQuiet(window)) quiet += 1;
    from = to;
  }
  return windows;
}

/**
 * Waits for a window to end: after its time, and not before both sides have responded.
 *
 * @param {() => Readings} read
 * @param {Readings} from
 * @param {number} seconds
 */
async function readLater(read, from, seconds) {
  for (let attempt = 0; attempt < MAX_EXTENSIONS; attempt += 1) {
    await sleep(seconds * 1_000);
    const to = read();
    if (to.ours.completed > from.ours.completed && to.theirs.completed > from.theirs.completed) return to;
  }
  throw new Error(`no response of one side within ${seconds * MAX_EXTENSIONS} seconds`);
}

/**
 * @param {Gateway} gateway
 * @param {Gateway} against
 * @param {readonly { completed(): number }[]} loops
 * @returns {() => Readings}
 */
function createReader(gateway, against, [ours, theirs]) {
  const [oursAll, theirsAll, bench] = [gateway.pid, against.pid, process.pid].map(family);
  /** @param {readonly number[]} pids @param {{ completed(): number } | undefined} loop */
  const reading = (pids = [], loop) => ({
    cpu: cpuSecondsOf(pids),
    written: writtenBytesOf(pids),
    completed: loop?.completed() ?? 0,
  });
  return () => ({
    at: performance.now(),
    ours: reading(oursAll, ours),
    theirs: reading(theirsAll, theirs),
    bench: cpuSecondsOf(bench ?? []),
    machine: machineSeconds(),
  });
}

/**
 * @param {Readings} from
 * @param {Readings} to
 * @returns {Window}
 */
export function between(from, to) {
  const seconds = (to.at - from.at) / 1_000;
  /** @param {"ours" | "theirs"} side */
  const sample = (side) => {
    const completed = to[side].completed - from[side].completed;
    return {
      cpu: ((to[side].cpu - from[side].cpu) * 1e6) / completed,
      perSecond: completed / seconds,
      written: (to[side].written - from[side].written) / completed,
    };
  };
  const others = to.machine - from.machine - (to.bench - from.bench);
  return {
    ours: sample("ours"),
    theirs: sample("theirs"),
    others: Math.max(0, others / seconds / availableParallelism()),
  };
}

/** @param {Window} window */
function isQuiet({ others }) {
  return others <= MAX_OTHERS;
}
