import { test } from "vitest";
import { startTestService } from "../../../testkit/src/service.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { Lengths } from "../support/lifecycle-histories.ts";
import { playHistories } from "../support/lifecycle-histories.ts";
import { nodeOf } from "../support/lifecycle-steps.ts";

/** Batch size of the sweep, so small that other nodes continue within almost every lineage. */
const BATCH = 2;

/** How many times as many histories as usual. */
const ROUNDS = Number(process.env["LIFECYCLE_ROUNDS"] ?? 1);

const LENGTHS: readonly Lengths[] = [
  { numRuns: 10 * ROUNDS, minLength: 1, maxLength: 20, endOnFailure: false },
  { numRuns: 2 * ROUNDS, minLength: 40, maxLength: 60, endOnFailure: true },
];

test.each(LENGTHS)(
  "in histories of up to $maxLength steps, each at any of three nodes with a sweep at another one, a capability works at all exactly as long as all its lineage is alive",
  async (lengths) => {
    const clock = { now: Date.now() };
    await using directory = await temporaryDirectory();
    const startNode = () =>
      startTestService({
        directory: directory.path,
        engine: "postgres",
        now: () => new Date(clock.now),
        limits: { expiredRetentionMs: 1 },
      });
    await using first = await startNode();
    await using second = await startNode();
    await using third = await startNode();
    const nodes = [first, second, third] as const;
    await playHistories(nodes, clock, lengths, async ({ node }) => {
      await nodeOf(nodes, { node: node + 1 }).data.store.sweep(BATCH);
    });
  },
);
