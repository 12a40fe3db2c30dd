import type { Denial } from "../domain/denial.ts";
import { createBufferBudget } from "./buffer-budget.ts";
import type { BufferShare } from "./buffered-body.ts";
import type { InFlightRequest } from "./in-flight-registry.ts";
import type { AccountRegistry, UsageAccounts } from "./usage-accounts.ts";

/** Of smaller ones, the limits on requests and connections allow no more than bodies take. */
const SMALL_BYTES = 16 * 1024;

/** What a request in flight keeps in memory of its capability and its target. */
export interface UsedResolution {
  /** Its estimated size in memory. */
  readonly bytes: number;
  readonly accounts: UsageAccounts;
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
  const budget = createBufferBudget(limit, "resolutionBytes");
  const used = new Map<UsedResolution, { readonly share: BufferShare; requests: number }>();

  const add = (resolution: UsedResolution): Denial | undefined => {
    const known = used.get(resolution);
    if (known !== undefined) {
      known.requests += 1;
      return undefined;
    }
    accountRegistry.refresh(resolution.accounts);
    const share = budget.shareFor(resolution.accounts);
    const denial = share.reserve(resolution.bytes);
    if (denial === undefined) used.set(resolution, { share, requests: 1 });
    return denial;
  };
  const remove = (resolution: UsedResolution): void => {
    const known = used.get(resolution);
    if (known === undefined) return;
    known.requests -= 1;
    if (known.requests > 0) return;
    used.delete(resolution);
    known.share.release(resolution.bytes);
  };
  return {
    use(inFlight, resolution) {
      if (resolution.bytes < SMALL_BYTES) return undefined;
      const denial = add(resolution);
      if (denial === undefined) inFlight.onFinish(() => remove(resolution));
      return denial;
    },
  };
}
