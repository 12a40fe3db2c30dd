import fc from "fast-check";
import { Agent } from "undici";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { Step, TestClock } from "./lifecycle-steps.ts";
import { arbitraryStep, HistoryPlayer } from "./lifecycle-steps.ts";

/** How many histories a test plays, and how long they are. */
export interface Lengths {
  readonly numRuns: number;
  readonly minLength: number;
  readonly maxLength: number;
  readonly endOnFailure: boolean;
}

/** Many short histories, which shrink well, and a few long ones with deep lineages. */
export const LENGTHS: readonly Lengths[] = [
  { numRuns: 50, minLength: 1, maxLength: 25, endOnFailure: false },
  { numRuns: 8, minLength: 50, maxLength: 80, endOnFailure: true },
];

/**
 * Plays random histories, and checks after each step that every capability works exactly as long as all its lineage is alive.
 *
 * @param nodes the services of one store, each of which gets the steps that select it, and shows the results of all.
 * @param clock the services'.
 * @param between is awaited after each step, before the check.
 */
export async function playHistories(
  nodes: readonly [TestService, ...TestService[]],
  clock: TestClock,
  { numRuns, minLength, maxLength, endOnFailure }: Lengths,
  between: (step: Step, player: HistoryPlayer) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await using target = await startTarget((_request, response) => void response.end());
  const agent = new Agent({ connections: 16 });
  let histories = 0;
  const property = fc.asyncProperty(
    fc.array(arbitraryStep, { minLength, maxLength, size: "max" }),
    async (steps: readonly Step[]) => {
      histories += 1;
      const player = new HistoryPlayer(nodes, clock, agent, target.url, `history ${histories} `);
      const [operator] = player.world.capabilities;
      await player.provision(operator!, { name: "one" });
      await player.provision(operator!, { name: "two" });
      for (const step of steps) {
        await player.step(step);
        await between(step, player);
        await player.check();
      }
    },
  );
  try {
    await fc.assert(property, { numRuns, endOnFailure, interruptAfterTimeLimit: 60_000 });
  } finally {
    await agent.destroy();
  }
}
