import { errorCode } from "../../../error-code.ts";
import { SQLSTATE } from "../sqlstate.ts";

/** Spaces attempts of which none gets a reply that can be read: each one may leave a process of the server behind, or a line in its log. */
export interface BackOff {
  /** When the next attempt may be made, on the monotonic clock. */
  readonly notBefore: number;
  failed(error: unknown): void;
  replied(): void;
}

/** The longest delay, in milliseconds: a node serves again so soon after an outage. */
const MAX_DELAY_MS = 1_000;

/** The longest delay once the server has refused the user or its password: servers lock accounts after some failures. */
const MAX_REFUSED_DELAY_MS = 60_000;

const REFUSED: ReadonlySet<string> = new Set([
  SQLSTATE.invalidPassword,
  SQLSTATE.invalidAuthorizationSpecification,
]);

/** @param firstMs the delay after the first failure, in milliseconds. It doubles with each further one. */
export function createBackOff(firstMs: number, monotonic: () => number): BackOff {
  let nextMs = firstMs;
  let notBefore = -Infinity;
  return {
    get notBefore() {
      return notBefore;
    },
    failed(error) {
      const maxMs = REFUSED.has(errorCode(error) ?? "") ? MAX_REFUSED_DELAY_MS : MAX_DELAY_MS;
      const delayMs = Math.min(nextMs, Math.max(firstMs, maxMs));
      notBefore = monotonic() + delayMs;
      nextMs = 2 * delayMs;
    },
    replied() {
      nextMs = firstMs;
      notBefore = -Infinity;
    },
  };
}
