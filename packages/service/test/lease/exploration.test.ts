import { expect, test } from "vitest";
import { explore } from "../support/lease-model/explore.ts";
import { SCENARIOS, widen } from "../support/lease-model/scenarios.ts";

/**
 * If set, the number of states of each scenario is printed. If more than 0, this many are visited, with shorter steps and more
 * statements: `LEASE_EXPLORER_STATES=1000000 npx vitest run packages/service/test/lease/exploration`.
 */
const variable = process.env["LEASE_EXPLORER_STATES"];
const longerRun = Number(variable ?? 0);

/** More than any of the scenarios has as it is. */
const MAX_STATES = 200_000;

test.each(Object.entries(SCENARIOS))(
  "a revoke that was acknowledged holds on every node, and every revoke ends, when %s",
  (name, scenario) => {
    const found = longerRun > 0 ? explore(widen(scenario), longerRun) : explore(scenario, MAX_STATES);
    if (variable !== undefined)
      process.stdout.write(`${name}: ${found.states} states${found.isComplete ? ", which are all" : ""}\n`);
    expect(found.counterexample).toBeUndefined();
    expect(found.isComplete || longerRun > 0).toBe(true);
  },
  3_600_000,
);
