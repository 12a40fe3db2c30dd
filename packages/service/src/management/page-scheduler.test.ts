import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import { createEventLoopScheduler } from "../collections/event-loop-scheduler.ts";
import type { PageScheduler } from "./page-scheduler.ts";
import { createPageScheduler } from "./page-scheduler.ts";

const WHOLE = ok("whole");

/** Pages of `steps` steps each, and what was done for whom, in turns of the event loop. */
function startPages(turns: PageScheduler, steps: number) {
  const turnsOfTheLoop: string[][] = [[]];
  let isCounting = true;
  const count = (): void => {
    turnsOfTheLoop.push([]);
    if (isCounting) setImmediate(count);
  };
  setImmediate(count);
  const begun: string[] = [];
  return {
    begun,
    turnsOfTheLoop,
    stop: () => void (isCounting = false),
    page: (tenant: string, capability: string) =>
      turns.schedule({ tenant, capability }, async (step) => {
        begun.push(capability);
        for (let made = 0; made < steps; made += 1) {
          await step();
          turnsOfTheLoop.at(-1)?.push(tenant);
        }
        return WHOLE;
      }),
  };
}

test("in a turn of the event loop one step is made, however many pages of however many tenants there are", async () => {
  const { page, stop, turnsOfTheLoop } = startPages(
    createPageScheduler(1_024, createEventLoopScheduler()),
    20,
  );
  const tenants = ["a", "a", "a", "a", "b", "c", "c"];
  expect(await Promise.all(tenants.map((tenant, i) => page(tenant, `${i}`)))).toEqual(
    tenants.map(() => WHOLE),
  );
  stop();
  expect(Math.max(...turnsOfTheLoop.map(({ length }) => length))).toBe(1);
  expect(turnsOfTheLoop.flat()).toHaveLength(7 * 20);
});

test("tenants take steps by turns, however many pages one of them has in progress", async () => {
  const { page, stop, turnsOfTheLoop } = startPages(
    createPageScheduler(1_024, createEventLoopScheduler()),
    10,
  );
  const many = Array.from({ length: 20 }, () => page("many", "m"));
  await page("one", "o");
  const steps = turnsOfTheLoop.flat();
  expect(steps.filter((tenant) => tenant === "many").length).toBeLessThanOrEqual(11);
  await Promise.all(many);
  stop();
});

test("of one tenant two pages are in progress, and those that wait begin capability by capability", async () => {
  const { page, stop, begun } = startPages(createPageScheduler(1_024, createEventLoopScheduler()), 3);
  const pages = ["a", "a", "a", "a", "a", "b", "c"].map((capability) => page("t", capability));
  expect(begun).toEqual(["a", "a"]);
  await Promise.all(pages);
  stop();
  expect(begun).toEqual(["a", "a", "a", "b", "c", "a", "a"]);
});

test("more pages of a tenant than may wait: the latest of the capability that has most is refused, and the others are completed", async () => {
  const { page, stop } = startPages(createPageScheduler(128, createEventLoopScheduler()), 1);
  const many = Array.from({ length: 2 + 128 + 1 }, () => page("t", "0"));
  const others = [page("t", "another"), page("another", "another")];
  const refused = await Promise.all([...many, ...others]);
  stop();
  const busy = err({ reason: "tenant_concurrency_exceeded", limitName: "maxWaitingPagesPerTenant" });
  expect(refused.slice(129)).toEqual([busy, busy, WHOLE, WHOLE]);
  expect(refused.slice(0, 129)).toEqual(Array.from({ length: 129 }, () => WHOLE));
});

test("a page that has begun waits no longer, as long as its tenant has others in progress", async () => {
  const turns = createPageScheduler(1_024, createEventLoopScheduler());
  const { page, stop } = startPages(turns, 1);
  let end = (): void => undefined;
  const long = turns.schedule(
    { tenant: "t", capability: "long" },
    () => new Promise<typeof WHOLE>((resolve) => (end = () => resolve(WHOLE))),
  );
  for (let round = 0; round < 20; round += 1) {
    const pages = await Promise.all(Array.from({ length: 100 }, () => page("t", "c")));
    expect(new Set(pages)).toEqual(new Set([WHOLE]));
  }
  end();
  await long;
  stop();
});

test("a page that fails leaves its place to the next one", async () => {
  const turns = createPageScheduler(1_024, createEventLoopScheduler());
  const fail = (): Promise<unknown> =>
    turns.schedule({ tenant: "t", capability: "c" }, async (step): Promise<never> => {
      await step();
      throw new Error("no page");
    });
  const results = await Promise.allSettled(Array.from({ length: 5 }, fail));
  expect(results.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => "rejected"));
});
