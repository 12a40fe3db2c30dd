import { err } from "capability-protocol";
import type { FairItem, FairOwner } from "../collections/fair-queue.ts";
import { FairQueue } from "../collections/fair-queue.ts";
import type { Outcome } from "../domain/denial.ts";
import type { EventLoopScheduler } from "../collections/event-loop-scheduler.ts";

/** How many pages of one tenant are assembled at once. Each holds up to half a megabyte until it is complete. */
const PAGES_PER_TENANT = 2;

/**
 * Schedules the pages of `query`: a few of each tenant are in progress, the others wait, capability by capability. Each turn of the
 * event loop makes one step of one page, tenant by tenant, since opening the tokens of a membrane takes a tenth of a millisecond.
 */
export interface PageScheduler {
  /**
   * @param act assembles the page, and waits for `step` before each part of the work.
   * @returns what `act` returns, or a refusal if too many pages wait: of the capability that has most, the latest one.
   */
  schedule<T>(owner: FairOwner, act: (step: () => Promise<void>) => Promise<Outcome<T>>): Promise<Outcome<T>>;
}

interface WaitingPage extends FairItem {
  readonly decide: (mayBegin: boolean) => void;
}

interface TenantQueue {
  pages: number;
  readonly waiting: FairQueue<WaitingPage>;
}

/** @param waitingPerTenant how many requests for pages of one tenant may wait. */
export function createPageScheduler(waitingPerTenant: number, scheduler: EventLoopScheduler): PageScheduler {
  const tenants = new Map<string, TenantQueue>();

  const begin = (tenant: TenantQueue, owner: FairOwner): boolean | Promise<boolean> => {
    if (tenant.pages < PAGES_PER_TENANT) {
      tenant.pages += 1;
      return true;
    }
    return new Promise((decide) => {
      tenant.waiting.push({ owner, cost: 1, decide });
      if (tenant.waiting.size > waitingPerTenant) tenant.waiting.drop()?.decide(false);
    });
  };
  /** Gives its place to the next page. */
  const end = (name: string, tenant: TenantQueue): void => {
    const [next] = tenant.waiting.shift(1);
    if (next !== undefined) return next.decide(true);
    tenant.pages -= 1;
    if (tenant.pages === 0) tenants.delete(name);
  };

  return {
    async schedule(owner, act) {
      const tenant = tenants.get(owner.tenant) ?? { pages: 0, waiting: new FairQueue() };
      tenants.set(owner.tenant, tenant);
      const mayBegin = begin(tenant, owner);
      if (mayBegin !== true && !(await mayBegin))
        return err({ reason: "tenant_concurrency_exceeded", limitName: "maxWaitingPagesPerTenant" });
      try {
        return await act(() => scheduler.nextTurn(owner));
      } finally {
        end(owner.tenant, tenant);
      }
    },
  };
}
