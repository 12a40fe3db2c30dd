import { readdir, readFile } from "node:fs/promises";

const KIB = 1024;

/** Of the times in /proc/PID/stat, a second (sysconf(3), `_SC_CLK_TCK`). */
const TICKS = 100;

/**
 * Reads the CPU time of a process and its descendants, in seconds: the first number of /proc/PID/task/TID/schedstat, in
 * nanoseconds (Linux, Documentation/scheduler/sched-stats). Threads that ended are not counted; none ends under load. Processes
 * that ended are, to ten milliseconds.
 *
 * @param {number} pid
 */
export async function cpuSeconds(pid) {
  const all = await family(pid);
  const each = await Promise.all(all.map(threadNanoseconds));
  const living = each.flat().reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e9;
  const ended = await Promise.all(all.map(endedSeconds));
  return ended.reduce((sum, seconds) => sum + seconds, living);
}

/**
 * Reads the CPU time of the children that a process has waited for (proc(5): `cutime` and `cstime`).
 *
 * @param {number} pid
 */
async function endedSeconds(pid) {
  return ((await readStat(pid))?.endedTicks ?? 0) / TICKS;
}

/** @param {number} pid */
async function threadNanoseconds(pid) {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const texts = threads.map((thread) =>
    readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "0"),
  );
  return (await Promise.all(texts)).map((text) => Number(text.split(" ")[0]));
}

/**
 * Reads the anonymous memory of a process and its descendants, in bytes (proc(5), RssAnon). The store's memory map is not counted.
 *
 * @param {number} pid
 */
export async function anonymousBytes(pid) {
  const all = await family(pid);
  const each = await Promise.all(
    all.map(async (member) => {
      const status = await readFile(`/proc/${member}/status`, "utf8").catch(() => "");
      return Number(/^RssAnon:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * KIB;
    }),
  );
  return each.reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * Lists a process and its descendants.
 *
 * @param {number} root
 * @returns {Promise<number[]>}
 */
async function family(root) {
  const numbers = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map(
    await Promise.all(numbers.map(async (pid) => /** @type {const} */ ([pid, await parentOf(pid)]))),
  );
  const members = new Set([root]);
  // A child's id may be lower than its parent's, so the list is read until no more are found.
  for (let size = 0; size < members.size;) {
    size = members.size;
    for (const [pid, parent] of parents) if (parent !== undefined && members.has(parent)) members.add(pid);
  }
  return [...members];
}

/** @param {number} pid */
async function parentOf(pid) {
  return (await readStat(pid))?.parent;
}

/**
 * Reads what the kernel says of a process, unless it has ended (proc(5), /proc/PID/stat). The name before may have spaces.
 *
 * @param {number} pid
 */
async function readStat(pid) {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { parent: Number(fields[1]), endedTicks: Number(fields[13]) + Number(fields[14]) };
}
