import { setTimeout as sleep } from "node:timers/promises";

const MAX_WAIT_MS = 30_000;

/** Between two looks: some of them ask a server, which has other things to do. */
const PAUSE_MS = 5;

/**
 * Resolves when a condition holds.
 *
 * @param awaited what is waited for, as the error names it.
 * @param maxWaitMs longer than it takes on a busy machine, in milliseconds. Default: half a minute.
 * @throws Error after that time.
 */
export async function until(
  awaited: string,
  holds: () => boolean | Promise<boolean>,
  maxWaitMs = MAX_WAIT_MS,
): Promise<void> {
  const end = performance.now() + maxWaitMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited for ${maxWaitMs / 1_000} s: ${awaited}`);
    await sleep(PAUSE_MS);
  }
}
