// Where the attacked service runs: an ordinary place, or one whose disk or log fails.
import { constants, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { begin, serve } from "../gateways/membrane.js";
import { directory, run } from "../gateways/start.js";

/** @typedef {"ordinary" | "small disk" | "full log" | "unread log"} PlaceName */
/** @typedef {Awaited<ReturnType<typeof begin>>} Begun */
/** @typedef {{ begun: Begun, service: import("../gateways/membrane.js").Service }} Place */

const HEAP = { node: ["--max-old-space-size=1024"] };
const DISK_MEGABYTES = 24;
/** Every request is logged. */
const MUCH = { flags: ["--log-level", "debug"] };
/** Root mounts as itself, others in a name space where they are root, if the system lets them. */
const OWN_MOUNTS = ["--mount", ...(process.getuid?.() === 0 ? [] : ["--map-root-user"])];

/** @type {Readonly<Record<PlaceName, () => Promise<Place>>>} */
const PLACES = {
  async ordinary() {
    const begun = await begin();
    return { begun, service: await serve(begun, HEAP) };
  },
  async "small disk"() {
    const begun = await begin();
    const disk = join(directory, "disk");
    await mkdir(disk, { recursive: true });
    const through = onSmallDisk(disk, begun.data);
    return { begun, service: await serve({ data: disk }, { ...HEAP, through }) };
  },
  async "full log"() {
    const begun = await begin();
    const log = openSync("/dev/full", constants.O_WRONLY);
    return { begun, service: await serve(begun, { ...HEAP, ...MUCH, log }) };
  },
  async "unread log"() {
    const begun = await begin();
    const path = join(directory, "log");
    await run("mkfifo", [path]);
    // Held open for reading too, so that the pipe is there and not read.
    const log = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    return { begun, service: await serve(begun, { ...HEAP, ...MUCH, log }) };
  },
};

/** @param {PlaceName} name */
export function openPlace(name) {
  return PLACES[name]();
}

/**
 * Why a place cannot be had here; nothing if it can.
 *
 * @param {PlaceName} name
 * @returns {Promise<string | undefined>}
 */
export async function whyNot(name) {
  if (name !== "small disk") return undefined;
  return run("unshare", [...OWN_MOUNTS, "mount", "-t", "tmpfs", "tmpfs", directory]).then(
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
  return ["unshare", ...OWN_MOUNTS, "sh", "-c", mount, "sh", disk, data];
}
