// The environment of the attacked service: an ordinary one, or one whose disk or log fails.
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
/** Root can mount; other users need a namespace in which they are root, if the system allows it. */
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
    // Also open for reading, so that the pipe has a reader that never reads.
    const log = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    return { store, service: await serve(store, { ...HEAP, ...DEBUG_LOG, log }) };
  },
};

/** @param {EnvironmentName} name */
export function startInEnvironment(name) {
  return ENVIRONMENTS[name]();
}

/**
 * Returns why an environment is not available; nothing if it is.
 *
 * @param {EnvironmentName} name
 * @returns {Promise<string | undefined>}
 */
export async function unavailableReason(name) {
  if (name !== "small disk") return undefined;
  return run("unshare", [...MOUNT_NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", directory]).then(
    () => undefined,
    () => "a small tmpfs cannot be mounted here: run it as root, or where unshare(1) may create namespaces",
  );
}

/**
 * Returns a command that runs the rest of its arguments on a small tmpfs with a copy of some data. Only that program sees the
 * mount, which ends with it.
 *
 * @param {string} disk
 * @param {string} data
 */
function onSmallDisk(disk, data) {
  const mount = `mount -t tmpfs -o size=${DISK_MEGABYTES}m tmpfs "$1" && cp -a "$2/." "$1" && shift 2 && exec "$@"`;
  return ["unshare", ...MOUNT_NAMESPACE, "sh", "-c", mount, "sh", disk, data];
}
