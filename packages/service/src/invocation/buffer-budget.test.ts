import fc from "fast-check";
import { expect, test } from "vitest";
import type { Uid } from "../domain/uid.ts";
import type { UsageAccounts } from "./usage-accounts.ts";
import { createAccountRegistry } from "./usage-accounts.ts";
import { createBufferBudget } from "./buffer-budget.ts";

const LIMIT = 1_200;

function open() {
  const registry = createAccountRegistry();
  const budget = createBufferBudget(LIMIT, "bufferedBytes", registry);
  const by = (capabilities: string, ...tenants: readonly string[]): UsageAccounts =>
    registry.accountsOf({ capabilities: [...capabilities] as Uid[], tenants: tenants as Uid[] });
  /** Takes byte by byte until it is refused. */
  const fill = (accounts: UsageAccounts) => {
    const share = budget.shareFor(accounts);
    let taken = 0;
    for (; taken <= LIMIT && share.reserve(1) === undefined; taken += 1);
    return { taken, refused: share.reserve(1), release: () => share.release(taken) };
  };
  return { by, fill, budget, registry };
}

test("a capability that takes all it gets leaves as much as it has to its tenant's others, and as much again to other tenants", () => {
  const { by, fill } = open();
  expect(fill(by("c", "t"))).toMatchObject({
    taken: 400,
    refused: { reason: "capability_concurrency_exceeded", limitName: "bufferedBytesTotal" },
  });
  expect(fill(by("d", "t")).taken).toBeGreaterThan(100);
  expect(fill(by("e", "u")).taken).toBeGreaterThan(100);
});

test("re-exports of one capability have its share together, whichever holder made them", () => {
  const { by, fill } = open();
  expect(fill(by("ba", "u", "t")).taken).toBe(400);
  for (const again of ["ca", "da", "a"]) expect(fill(by(again, "v", "t")).taken).toBe(0);
  expect(fill(by("e", "t")).taken).toBeGreaterThan(100);
});

test("a tenant that takes all it gets through many capabilities has no more than half of the budget", () => {
  const { by, fill } = open();
  let taken = 0;
  for (const capability of "abcdefghijklmnopqrstuvwxyz") taken += fill(by(capability, "t")).taken;
  expect(taken).toBeGreaterThan(550);
  expect(taken).toBeLessThanOrEqual(600);
  expect(fill(by("0", "u")).taken).toBeGreaterThanOrEqual(200);
});

test("a tenant that comes when much is taken gets half of what is left, through however many capabilities", () => {
  const { by, fill } = open();
  const fillAll = (capabilities: string, tenant: string): number =>
    Array.from(capabilities, (name) => fill(by(name, tenant)).taken).reduce((sum, taken) => sum + taken, 0);
  const first = fillAll("abcdefghijklmnopqrstuvwxyz", "t");
  const second = fillAll("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "u");
  expect(second).toBeLessThanOrEqual((LIMIT - first) / 2);
  expect(fill(by("0", "v")).taken).toBeGreaterThan(0);
});

test("each tenant that takes all it gets leaves two thirds of what was left to the next ones", () => {
  const { by, fill } = open();
  for (let tenant = 0, left = LIMIT; tenant < 8; tenant += 1) {
    const { taken } = fill(by(String.fromCharCode(97 + tenant), `${tenant}`));
    expect(taken).toBe(Math.floor(left / 3));
    left -= taken;
  }
});

test("what is given back can be taken again, and once all is given back the budget is whole", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ by: fc.nat(5), bytes: fc.nat(300) }), { maxLength: 60 }), (steps) => {
      const { by, fill, budget } = open();
      const shares = steps.map((step) => ({
        share: budget.shareFor(by("abcdef"[step.by] ?? "a", `${step.by % 3}`)),
        bytes: step.bytes,
      }));
      const taken = shares.filter(({ share, bytes }) => share.reserve(bytes) === undefined);
      for (const { share, bytes } of taken) share.release(bytes);
      for (const owner of [0, 1, 2, 3, 4, 5]) {
        const again = fill(by("abcdef"[owner] ?? "a", `${owner % 3}`));
        expect(again.taken).toBe(400);
        again.release();
      }
    }),
  );
});

test("what is taken after other requests have evicted idle accounts is given back by the accounts that took it", () => {
  const { by, fill, registry } = open();
  const chain = by("ba", "u", "t");
  /** Makes so many others that idle accounts are dropped. */
  const evict = () => {
    for (let other = 0; other < 1_100; other += 1) by(String.fromCodePoint(0x4e00 + other), `${other}`);
  };
  evict();
  const { taken, release } = fill(chain);
  expect(taken).toBe(400);
  // Another request begins meanwhile.
  registry.refresh(chain);
  release();
  for (const { capabilities, tenants } of [chain, by("ba", "u", "t")])
    expect([...capabilities, ...tenants].map(({ bufferedBytes }) => bufferedBytes)).toEqual([0, 0, 0, 0]);
  expect(fill(by("ba", "u", "t")).taken).toBe(400);
});
