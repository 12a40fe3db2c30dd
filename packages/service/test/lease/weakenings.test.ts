import { expect, test } from "vitest";
import { explore } from "../support/lease-model/explore.ts";
import type { Scenario } from "../support/lease-model/protocol.ts";
import { RECOMMENDED } from "../support/lease-model/protocol.ts";
import type { Weakening } from "../support/lease-model/weakenings.ts";
import { ASSUMPTIONS, WEAKENINGS } from "../support/lease-model/weakenings.ts";

const MAX_STATES = 400_000;

/** Set to print each counterexample: `LEASE_EXPLORER_TRACES=1 npx vitest run packages/service/test/lease/weakenings`. */
const printsTraces = process.env["LEASE_EXPLORER_TRACES"] !== undefined;

test.each(byName(WEAKENINGS))(
  "the explorer finds what breaks with %s, and nothing without",
  (name, { scenario, breaks }) => {
    const { counterexample, states } = explore(scenario, MAX_STATES);
    print(name, counterexample);
    expect(counterexample?.at(-1)).toBe(breaks);
    expect(explore(withoutWeakening(scenario), states).counterexample).toBeUndefined();
  },
);

test.each(byName(ASSUMPTIONS))("the protocol is not safe with %s", (name, { scenario, breaks }) => {
  const { counterexample } = explore(scenario, MAX_STATES);
  print(name, counterexample);
  expect(counterexample?.at(-1)).toBe(breaks);
});

test("a counterexample is the shortest one, a line a step", () => {
  const noMargin = WEAKENINGS.find(({ name }) => name === "no margin")!;
  expect(explore(noMargin.scenario, MAX_STATES).counterexample).toEqual([
    "revoker: begins revoke 0",
    'server: carries out append {"membrane":0}: appended {"position":1}',
    'revoker: reply to append {"membrane":0}',
    "500 ms pass",
    "500 ms pass",
    "revoker: wakes",
    "=> node 0 serves without a revoke that was acknowledged",
  ]);
});

function byName(weakenings: readonly Weakening[]): readonly (readonly [string, Weakening])[] {
  return weakenings.map((weakening) => [weakening.name, weakening]);
}

function withoutWeakening(scenario: Scenario): Scenario {
  const { pageSize } = scenario.protocol.database;
  return { ...scenario, protocol: { ...RECOMMENDED, database: { ...RECOMMENDED.database, pageSize } } };
}

function print(name: string, counterexample: readonly string[] | undefined): void {
  if (printsTraces) process.stdout.write(`\n${name}:\n  ${counterexample?.join("\n  ")}\n`);
}
