import { within } from "../collections/within.ts";

/** How long a flush is waited for, in milliseconds: a disk that hangs must not hold back a revoke. */
export const FLUSH_TIMEOUT_MS = 5_000;

/** A flush takes too long. It may still end. */
export class FlushTimeoutError extends Error {
  override readonly name = "FlushTimeoutError";
  readonly code = "ETIMEDOUT";
}

/**
 * Waits for a flush, and not for ever. One that hangs holds a thread of the process: no other one is begun until it has ended.
 *
 * @returns a function that resolves when all that was written before the call is on disk. @throws FlushTimeoutError
 */
export function createBoundedFlush(flush: () => Promise<void>, timeoutMs: number): () => Promise<void> {
  let running: Promise<boolean> | undefined;

  return async () => {
    if (running !== undefined) await waitFor(running, timeoutMs);
    const started = flush()
      .then(() => true)
      .finally(() => {
        running = undefined;
      });
    running = started;
    await waitFor(started, timeoutMs);
  };
}

async function waitFor(flushing: Promise<boolean>, timeoutMs: number): Promise<void> {
  if ((await within(timeoutMs, flushing)) !== true)
    throw new FlushTimeoutError("the disk of the file takes too long");
}
