import { expect, test } from "vitest";
import { listExports, runExamples } from "../../testkit/src/examples.ts";

const ENTRIES = new Map([
  ["capability-protocol", await listExports("packages/protocol/src/index.ts")],
  ["capability-protocol/signers", await listExports("packages/protocol/src/signers/index.ts")],
]);

/** The token of 64 zero bytes. */
const PRELUDE = `
import { hash } from "node:crypto";
const TOKEN = "CPBLTY1-${"A".repeat(86)}";
`;

test("every public export has an example", () => {
  const all = [...ENTRIES.values()].flat();
  expect(all.length).toBeGreaterThan(70);
  expect(all.filter(({ example }) => example === undefined).map(({ name }) => name)).toEqual([]);
});

test("every example compiles, and has the results in its comments", async () => {
  expect(await runExamples("packages/protocol", ENTRIES, PRELUDE)).toMatchObject({
    code: 0,
    stdout: "",
    stderr: "",
  });
});
