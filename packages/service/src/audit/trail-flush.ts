import { withTimeout } from "../collections/with-timeout.ts";
import { errorCode } from "../error-code.ts";
import { createGroupSync } from "./group-sync.ts";

/** How long a flush is waited for, in milliseconds: a disk that hangs must not hold back a revoke. */
export const FLUSH_TIMEOUT_MS = 5_000;

/** A flush takes too long. It may still end. */
export class FlushTimeoutError extends Error {
  override readonly name = "FlushTimeoutError";
  readonly code = "ETIMEDOUT";
}

/** Flushes of the file of a trail that is required: shared, waited for with a limit, and known as failing when they are. */
export interface TrailFlush {
  /**
   * Resolves when all that was written before the call is on disk. While a flush hangs, a call does not wait for it.
   *
   * @throws the error of the flush, or FlushTimeoutError.
   */
  sync(): Promise<void>;
  /** Since when no flush has succeeded, in milliseconds since 1970; absent: the last one has. */
  readonly failingSince: number | undefined;
}

export interface TrailFlushOptions {
  /** It is called again only when the call before has ended: one that hangs holds a thread of the process. */
  readonly flush: () => Promise<void>;
  /** How long a flush may take before it counts as failing, and how long a call waits, in milliseconds. */
  readonly timeoutMs: number;
  /** The time of day in milliseconds since 1970. */
  readonly now: () => number;
  /** Called when flushes begin to fail, or to hang, and when one has succeeded again. */
  readonly onStateChanged: (event: {
    readonly state: "failing" | "written";
    readonly cause?: string;
  }) => void;
}

export function createTrailFlush({ flush, timeoutMs, now, onStateChanged }: TrailFlushOptions): TrailFlush {
  let failingSince: number | undefined;
  let isHanging = false;

  const fail = (error: unknown): void => {
    if (failingSince !== undefined) return;
    failingSince = now();
    onStateChanged({ state: "failing", cause: errorCode(error) ?? "failed" });
  };
  const succeed = (): void => {
    if (failingSince === undefined) return;
    failingSince = undefined;
    onStateChanged({ state: "written" });
  };
  const share = createGroupSync(async () => {
    // Even if no call waits: what only reads the state learns of it too.
    const timer = setTimeout(() => {
      isHanging = true;
      fail(lateError());
    }, timeoutMs).unref();
    try {
      await flush();
      succeed();
    } catch (error) {
      fail(error);
      throw error;
    } finally {
      clearTimeout(timer);
      isHanging = false;
    }
  });
  return {
    async sync() {
      if (isHanging) throw lateError();
      const isFlushed = await withTimeout(
        timeoutMs,
        share().then(() => true),
      );
      if (isFlushed !== true) throw lateError();
    },
    get failingSince() {
      return failingSince;
    },
  };
}

function lateError(): FlushTimeoutError {
  return new FlushTimeoutError("the disk of the file takes too long");
}
