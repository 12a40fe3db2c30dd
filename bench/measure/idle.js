import { setTimeout as sleep } from "node:timers/promises";
import { endProgram } from "../gateways/start.js";
import { anonymousBytes } from "./process.js";
import { median } from "./statistics.js";

const LAUNCHES = 3;
/** After which a process that has started does nothing more. */
const SETTLE_MS = 3_000;

/**
 * Measures the anonymous memory of a side that has started and serves nothing, in bytes: the median of several starts.
 *
 * @param {{ start(): Promise<import("../gateways/start.js").Gateway> }} side
 */
export async function measureIdleMemory(side) {
  const launches = [];
  while (launches.length < LAUNCHES) {
    const gateway = await side.start();
    await sleep(SETTLE_MS);
    launches.push(anonymousBytes(gateway.pid));
    await endProgram(gateway);
  }
  return median(launches);
}
