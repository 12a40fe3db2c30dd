const MAX_WAIT_MS = 30_000;

/**
 * Resolves when a condition holds. Between two looks there is a turn of the event loop, without which what is waited for could not
 * happen.
 *
 * @param awaited what is waited for, as the error names it.
 * @throws Error after half a minute.
 */
export async function until(awaited: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + MAX_WAIT_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited for 30 s: ${awaited}`);
    await new Promise(setImmediate);
  }
}
