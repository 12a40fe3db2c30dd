import fc from "fast-check";
import { Agent } from "undici";
import { expect, test } from "vitest";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { Step } from "../support/lifecycle-steps.ts";
import { arbitraryStep, HistoryPlayer } from "../support/lifecycle-steps.ts";

/** Many short histories, which shrink well, and a few long ones with deep lineages. */
const LENGTHS = [
  { numRuns: 50, minLength: 1, maxLength: 25, endOnFailure: false },
  { numRuns: 8, minLength: 50, maxLength: 80, endOnFailure: true },
];

/** Batch size of the sweep, so small that it stops and continues within almost every lineage. */
const BATCH = 2;

test.each(LENGTHS)(
  "in histories of up to $maxLength steps a capability works exactly as long as all its lineage is alive",
  async (lengths) => {
    await play(lengths, () => Promise.resolve());
  },
);

test.each(LENGTHS)(
  "in histories of up to $maxLength steps a sweep after every step changes nothing",
  async (lengths) => {
    await play(lengths, async ({ data }) => {
      let left = true;
      for (let batch = 0; batch < 10_000 && left; batch += 1) left = (await data.store.sweep(BATCH)).more;
      expect(left).toBe(false);
    });
  },
);

async function play(
  { numRuns, minLength, maxLength, endOnFailure }: (typeof LENGTHS)[number],
  between: (service: TestService) => Promise<void>,
): Promise<void> {
  const clock = { now: Date.now() };
  await using service = await startTestService({
    now: () => new Date(clock.now),
    limits: { expiredRetentionMs: 1 },
  });
  await using target = await startTarget((_request, response) => void response.end());
  const agent = new Agent({ connections: 16 });
  let histories = 0;
  const property = fc.asyncProperty(
    fc.array(arbitraryStep, { minLength, maxLength, size: "max" }),
    async (steps: readonly Step[]) => {
      histories += 1;
      const player = new HistoryPlayer(service, clock, agent, target.url, `history ${histories} `);
      const [operator] = player.world.capabilities;
      await player.provision(operator!, { name: "one" });
      await player.provision(operator!, { name: "two" });
      for (const step of steps) {
        await player.step(step);
        await between(service);
        await player.check();
      }
    },
  );
  try {
    await fc.assert(property, { numRuns, endOnFailure, interruptAfterTimeLimit: 30_000 });
  } finally {
    await agent.destroy();
  }
}
