import type { Denial, Outcome } from "../domain/denial.ts";
import type { UpstreamLease } from "../http1/upstream.ts";

/** One of them is called, once, unless the wait was stopped. */
export interface CountListener {
  /** The connection is still leased; it may have been closed meanwhile. */
  onCounted(): void;
  onDenied(denial: Denial): void;
  onFault(fault: unknown): void;
}

/**
 * Holds a connection while a use is counted, and gives it back if the use is not counted: nothing was sent on it.
 *
 * @returns a function that stops the wait and gives the connection back at once. The use may be counted nevertheless.
 */
export function countWhileHeld(
  lease: UpstreamLease,
  countUse: () => Promise<Outcome<void>>,
  listener: CountListener,
): () => void {
  let isPending = true;
  /** @returns whether the wait had not ended before. */
  const end = (isCounted: boolean): boolean => {
    if (!isPending) return false;
    isPending = false;
    if (!isCounted) lease.release();
    return true;
  };
  lease.hold();
  countUse().then(
    (counted) => {
      if (!end(counted.ok)) return;
      if (counted.ok) listener.onCounted();
      else listener.onDenied(counted.error);
    },
    (fault: unknown) => {
      if (end(false)) listener.onFault(fault);
    },
  );
  return () => void end(false);
}
