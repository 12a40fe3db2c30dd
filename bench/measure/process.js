import { readdirSync, readFileSync } from "node:fs";

const KIB = 1024;

/** Of the times in /proc/stat and /proc/PID/stat, a second (sysconf(3), `_SC_CLK_TCK`). */
const TICKS = 100;

/**
 * Reads the CPU time of a process and its descendants, in seconds.
 *
 * @param {number} pid
 */
export function cpuSeconds(pid) {
  return cpuSecondsOf(family(pid));
}

/**
 * Reads the CPU time of processes, in seconds: the first number of /proc/PID/task/TID/schedstat, in nanoseconds (Linux,
 * Documentation/scheduler/sched-stats). Threads that ended are not counted; none ends under load. Children that ended are, to ten
 * milliseconds. It waits for nothing, so that all is read in the same moment.
 *
 * @param {readonly number[]} pids
 */
export function cpuSecondsOf(pids) {
  return pids.reduce((sum, pid) => sum + threadSeconds(pid) + endedSeconds(pid), 0);
}

/**
 * Reads for how long all processors worked since the machine started, for anything and for other machines on the same host, in
 * seconds (proc(5), /proc/stat: all of the first line except `idle` and `iowait`; `guest` is a part of `user`).
 */
export function machineSeconds() {
  const ticks = readOf("/proc/stat").split(/\s+/, 9).slice(1).map(Number);
  const [, , , idle = 0, iowait = 0] = ticks;
  return (ticks.reduce((sum, one) => sum + one, 0) - idle - iowait) / TICKS;
}

/**
 * Reads the CPU time of the children that a process has waited for (proc(5): `cutime` and `cstime`).
 *
 * @param {number} pid
 */
function endedSeconds(pid) {
  return (readStat(pid)?.endedTicks ?? 0) / TICKS;
}

/** @param {number} pid */
function threadSeconds(pid) {
  return namesIn(`/proc/${pid}/task`).reduce((sum, thread) => {
    const nanoseconds = readOf(`/proc/${pid}/task/${thread}/schedstat`).split(" ")[0];
    return sum + Number(nanoseconds) / 1e9;
  }, 0);
}

/**
 * Reads how many bytes processes have passed to write(2) and its kin, to files and sockets: the kernel's `wchar` (proc(5),
 * /proc/PID/io). Pages of a store that is flushed are counted each time they are written.
 *
 * @param {readonly number[]} pids
 */
export function writtenBytesOf(pids) {
  return pids.reduce(
    (sum, pid) => sum + Number(/^wchar: (\d+)$/m.exec(readOf(`/proc/${pid}/io`))?.[1] ?? 0),
    0,
  );
}

/**
 * Reads the anonymous memory of a process and its descendants, in bytes (proc(5), RssAnon). The store's memory map is not counted.
 *
 * @param {number} pid
 */
export function anonymousBytes(pid) {
  return family(pid).reduce((sum, member) => {
    const kibibytes = /^RssAnon:\s*(\d+) kB$/m.exec(readOf(`/proc/${member}/status`))?.[1];
    return sum + Number(kibibytes ?? 0) * KIB;
  }, 0);
}

/**
 * Lists a process and its descendants.
 *
 * @param {number} root
 * @returns {number[]}
 */
export function family(root) {
  const numbers = namesIn("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const parents = new Map(numbers.map((pid) => [pid, readStat(pid)?.parent]));
  const members = new Set([root]);
  // A child's id may be lower than its parent's, so the list is read until no more are found.
  for (let size = 0; size < members.size;) {
    size = members.size;
    for (const [pid, parent] of parents) if (parent !== undefined && members.has(parent)) members.add(pid);
  }
  return [...members];
}

/**
 * Reads what the kernel says of a process, unless it has ended (proc(5), /proc/PID/stat). The name before may have spaces.
 *
 * @param {number} pid
 */
function readStat(pid) {
  const text = readOf(`/proc/${pid}/stat`);
  if (text === "") return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { parent: Number(fields[1]), endedTicks: Number(fields[13]) + Number(fields[14]) };
}

/**
 * Reads a file of /proc, which is empty here when its process has ended.
 *
 * @param {string} path
 */
function readOf(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** @param {string} path */
function namesIn(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
