// Where the attacked service runs: an ordinary place, or one whose disk or log fails.
import { constants, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { initStore, serve } from "../gateways/membrane.js";
import { directory, run } from "../gateways/start.js";

/** @typedef {"ordinary" | "small disk" | "full log" | "unread log"} EnvironmentName */
/** @typedef {Awaited<ReturnType<typeof initStore>>} BenchStore */
/** @typedef {{ store: BenchStore, service: import("../gateways/membrane.js").Service }} RunningService */

const HEAP = { node: ["--max-old-space-size=1024"] };
const DISK_MEGABYTES = 24;
/** Every request is logged. */
const DEBUG_LOG = { flags: ["--log-level", "debug"] };
/** Root mounts as itself, others in a name space where they are root, if the system lets them. */
const MOUNT_NAMESPACE = ["--mount", ...(process.getuid?.() === 0 ? [] : ["--map-root-user"])];

/** @type {Readonly<Record<EnvironmentName, () => Promise<RunningService>>>} */
const ENVIRONMENTS = {
  async ordinary() {
    const store = await initStore();
    return { store, service: await serve(store, HEAP) };
  },
  async "small disk"() {
    const store = await initStore();
    const disk = join(directory, "disk");
    await mkdir(disk, { recursive: true });
    const through = onSmallDisk(disk, store.data);
    return { store, service: await serve({ data: disk }, { ...HEAP, through }) };
  },
  async "full log"() {
    const store = await initStore();
    const log = openSync("/dev/full", constants.O_WRONLY);
    return { store, service: await serve(store, { ...HEAP, ...DEBUG_LOG, log }) };
  },
  async "unread log"() {
    const store = await initStore();
    const path = join(directory, "log");
    await run("mkfifo", [path]);
    // Held open for reading too, so that the pipe is there and not read.
    const log = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    return { store, service: await serve(store, { ...HEAP, ...DEBUG_LOG, log }) };
  },
};

/** @param {EnvironmentName} name */
export function startInEnvironment(name) {
  return ENVIRONMENTS[name]();
}

/**
 * Why a place cannot be had here; nothing if it can.
 *
 * @param {EnvironmentName} name
 * @returns {Promise<string | undefined>}
 */
export async function unavailableReason(name) {
  if (name !== "small disk") return undefined;
  return run("unshare", [...MOUNT_NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", directory]).then(
    () => undefined,
    () => "a small tmpfs cannot be mounted here: run it as root, or where unshare(1) may make name spaces",
  );
}

/**
 * A command that runs what follows it on a small tmpfs with a copy of some data. The mount is seen by this program alone, and ends
 * with it, however it ends.
 *
 * @param {string} disk
 * @param {string} data
 */
function onSmallDisk(disk, data) {
  const mount = `mount -t tmpfs -o size=${DISK_MEGABYTES}m tmpfs "$1" && cp -a "$2/." "$1" && shift 2 && exec "$@"`;
  return ["unshare", ...MOUNT_NAMESPACE, "sh", "-c", mount, "sh", disk, data];
}
