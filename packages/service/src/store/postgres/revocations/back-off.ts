/** Spaces attempts of which none gets a reply: each one may leave a process of the server behind, or a line in its log. */
export interface BackOff {
  /** When the next attempt may be made, on the monotonic clock. */
  readonly notBefore: number;
  failed(): void;
  replied(): void;
}

/** A node is back so soon after an outage, in milliseconds. */
const MAX_DELAY_MS = 1_000;

/** @param firstMs the delay after the first failure, in milliseconds. It doubles with each further one. */
export function createBackOff(firstMs: number, monotonic: () => number): BackOff {
  let nextMs = firstMs;
  let notBefore = -Infinity;
  return {
    get notBefore() {
      return notBefore;
    },
    failed() {
      notBefore = monotonic() + nextMs;
      nextMs = Math.max(firstMs, Math.min(2 * nextMs, MAX_DELAY_MS));
    },
    replied() {
      nextMs = firstMs;
      notBefore = -Infinity;
    },
  };
}
