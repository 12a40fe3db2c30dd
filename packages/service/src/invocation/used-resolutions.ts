import type { Denial } from "../domain/denial.ts";
import { createBufferBudget } from "./buffer-budget.ts";
import type { InFlightRequest } from "./in-flight-registry.ts";
import type { AccountRegistry, UsageAccounts } from "./usage-accounts.ts";

/** Of smaller ones, the limits on requests and connections allow no more than bodies take. */
const SMALL_BYTES = 16 * 1024;

/** What a request in flight keeps in memory of its capability and its target. */
export interface UsedResolution {
  /** Its estimated size in memory. */
  readonly bytes: number;
  readonly accounts: UsageAccounts;
  /**
   * How many requests in flight it is counted for; 0 for a small one. Only {@link UsedResolutions} writes it. It is kept here and not in a
   * map, which each request would write to twice.
   */
  requests: number;
}

/**
 * The memory of large resolutions that requests in flight use. The cache drops those that it has no room for, and a request keeps its own
 * until it has ended: thousands of requests, each of another capability with many limits, would take gigabytes.
 */
export interface UsedResolutions {
  /**
   * Counts a resolution until the request is finished, and once for all requests that use it.
   *
   * @returns which share is used up. Then nothing is counted.
   */
  use(inFlight: Pick<InFlightRequest, "onFinish">, resolution: UsedResolution): Denial | undefined;
}

/** @param limit of all of them, in bytes. */
export function createUsedResolutions(
  limit: number,
  accountRegistry: Pick<AccountRegistry, "refresh">,
): UsedResolutions {
  const budget = createBufferBudget(limit, "resolutionBytes", accountRegistry);
  const leave = (resolution: UsedResolution): void => {
    resolution.requests -= 1;
    // Accounts that count something are not replaced: these are still the ones that it was added to.
    if (resolution.requests === 0) budget.release(resolution.accounts, resolution.bytes);
  };
  return {
    use(inFlight, resolution) {
      if (resolution.bytes < SMALL_BYTES) return undefined;
      const denial =
        resolution.requests === 0 ? budget.reserve(resolution.accounts, resolution.bytes) : undefined;
      if (denial !== undefined) return denial;
      resolution.requests += 1;
      inFlight.onFinish(() => leave(resolution));
      return undefined;
    },
  };
}
