import { expect, test } from "vitest";
import type { Uid } from "../domain/uid.ts";
import type { UsedResolution } from "./used-resolutions.ts";
import { createUsedResolutions } from "./used-resolutions.ts";
import { createAccountRegistry } from "./usage-accounts.ts";

const KIB = 1024;
const LARGE = 30 * KIB;

function open() {
  const registry = createAccountRegistry();
  const used = createUsedResolutions(10 * LARGE, registry);
  const resolution = (capability: string, tenant: string, bytes: number = LARGE): UsedResolution => ({
    bytes,
    requests: 0,
    accounts: registry.accountsOf({ capabilities: [capability as Uid], tenants: [tenant as Uid] }),
  });
  /** Begins a request. @returns why it is refused, and what ends it. */
  const begin = (of: UsedResolution) => {
    const releases: (() => void)[] = [];
    const denial = used.use({ onFinish: (release) => void releases.push(release) }, of);
    return { refused: denial?.reason, end: () => releases.forEach((release) => release()) };
  };
  return { resolution, begin };
}

test("a tenant whose requests use as many large resolutions as it may is refused others, and other tenants are not", () => {
  const { resolution, begin } = open();
  const requests = [..."abcde"].map((capability) => begin(resolution(capability, "own")));
  expect(requests.map(({ refused }) => refused)).toEqual(Array(5).fill(undefined));
  expect(begin(resolution("f", "own")).refused).toBe("tenant_concurrency_exceeded");
  expect(begin(resolution("g", "other")).refused).toBeUndefined();
  for (const { end } of requests.slice(3)) end();
  expect(begin(resolution("f", "own")).refused).toBeUndefined();
});

test("a resolution counts once for all requests that use it, until the last of them has ended", () => {
  const { resolution, begin } = open();
  const shared = resolution("a", "own", 3 * LARGE);
  const requests = Array.from({ length: 100 }, () => begin(shared));
  expect(requests.filter(({ refused }) => refused !== undefined)).toEqual([]);
  const again = resolution("a", "own", 3 * LARGE);
  for (const { end } of requests.slice(1)) end();
  expect(begin(again).refused).toBe("capability_concurrency_exceeded");
  requests[0]?.end();
  expect(begin(again).refused).toBeUndefined();
});

test("small resolutions are not counted: the number of requests bounds them", () => {
  const { resolution, begin } = open();
  for (let count = 0; count < 1_000; count += 1)
    expect(begin(resolution("a", "own", 4 * KIB)).refused).toBeUndefined();
});
