import type { Denial } from "../domain/denial.ts";

/** How many pages of one tenant are assembled at once. Each holds up to half a megabyte until it is complete. */
const PAGES = 2;

/** How many requests for pages may wait: of one capability, and of all that act on one tenant. */
const WAITING_PER_CAPABILITY = 128;
const WAITING_PER_TENANT = 1_024;

/** For whom a page is assembled. */
export interface PageOwner {
  readonly tenant: string;
  readonly capability: string;
}

/**
 * Hands out turns to assemble pages of `query`. Opening the tokens of a membrane takes the event loop half a millisecond, and a
 * tenant may ask for pages of a thousand on a thousand connections. So each tenant has a few pages in progress and the rest
 * wait, capability by capability; and each turn of the event loop makes one step of one page, tenant by tenant.
 */
export interface PageTurns {
  /**
   * @param act assembles the page, and waits for `step` before each part of the work.
   * @returns what `act` returns, or a refusal if too many pages wait.
   */
  page<T>(
    owner: PageOwner,
    act: (step: () => Promise<void>) => Promise<T>,
  ): Promise<T | { readonly ok: false; readonly denial: Denial }>;
}

interface Tenant {
  pages: number;
  waiting: number;
  /** For each capability, the pages that wait to begin. */
  readonly lanes: Map<string, (() => void)[]>;
  /** Pages in progress that wait for their next step. */
  readonly steps: (() => void)[];
}

export function createPageTurns(): PageTurns {
  const tenants = new Map<string, Tenant>();
  /** Tenants with a step to make; the first one is next. */
  const stepping = new Set<Tenant>();

  const makeStep = (): void => {
    const [tenant] = stepping;
    if (tenant === undefined) return;
    stepping.delete(tenant);
    const goOn = tenant.steps.shift();
    if (tenant.steps.length > 0) stepping.add(tenant);
    if (stepping.size > 0) setImmediate(makeStep);
    goOn?.();
  };
  const step = (tenant: Tenant): Promise<void> =>
    new Promise((resolve) => {
      if (stepping.size === 0) setImmediate(makeStep);
      stepping.add(tenant);
      tenant.steps.push(resolve);
    });
  const end = (name: string, tenant: Tenant): void => {
    const [lane] = tenant.lanes;
    if (lane === undefined) {
      tenant.pages -= 1;
      if (tenant.pages === 0) tenants.delete(name);
      return;
    }
    const [capability, waiting] = lane;
    tenant.lanes.delete(capability);
    const begin = waiting.shift();
    if (waiting.length > 0) tenant.lanes.set(capability, waiting);
    tenant.waiting -= 1;
    begin?.();
  };

  return {
    async page({ tenant: name, capability }, act) {
      const tenant = tenants.get(name) ?? { pages: 0, waiting: 0, lanes: new Map(), steps: [] };
      tenants.set(name, tenant);
      if (tenant.pages < PAGES) tenant.pages += 1;
      else {
        const lane = tenant.lanes.get(capability) ?? [];
        if (lane.length >= WAITING_PER_CAPABILITY)
          return { ok: false, denial: { reason: "capability_busy" } };
        if (tenant.waiting >= WAITING_PER_TENANT) return { ok: false, denial: { reason: "tenant_busy" } };
        tenant.lanes.set(capability, lane);
        tenant.waiting += 1;
        await new Promise<void>((resolve) => {
          lane.push(resolve);
        });
      }
      try {
        return await act(() => step(tenant));
      } finally {
        end(name, tenant);
      }
    },
  };
}
