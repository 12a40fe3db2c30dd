import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { until } from "../../../../testkit/src/until.ts";
import type { ServingNode } from "./cluster-node.ts";
import { MAX_PART_MS } from "./fault.ts";
import type { Held, Life, LifeContext, LifePlan } from "./lives.ts";
import { arbitraryLife, playLife, waitAWhile } from "./lives.ts";

/** How many lives are played at a time. */
const LANES = 4;

/** From one invocation of a capability that is never revoked to the next on a node, in milliseconds. */
const PACE_MS = 25;

/** More lives than a round has time for. */
const MAX_LIVES = 2_000;

/** A life that only makes things. */
const QUIET_LIFE: LifePlan = {
  nodes: [0, 0, 0, 0],
  delegation: "none",
  stream: "none",
  isCounted: false,
  useMs: 0,
  isRevoked: false,
};

/** Loads all nodes until the round is over. */
export async function loadNodes(
  context: LifeContext,
  kept: Held,
  lives: Life[],
  { name, seed }: { readonly name: string; readonly seed: number },
): Promise<void> {
  const plans = fc.sample(arbitraryLife, { seed, numRuns: MAX_LIVES }).entries();
  const lane = async (): Promise<void> => {
    for (const [number, plan] of plans) {
      if (context.isOver()) return;
      await playLife(context, `${name} ${number}`, plan, begin(lives));
    }
  };
  const lanes = Array.from({ length: LANES }, lane);
  await Promise.all([...lanes, ...context.nodes.map((node) => invokeWithoutPause(context, node, kept))]);
}

function begin(lives: Life[]): Life {
  const life: Life = { membranes: [], unknown: [], exported: [] };
  lives.push(life);
  return life;
}

async function invokeWithoutPause(context: LifeContext, node: ServingNode, kept: Held): Promise<void> {
  while (!context.isOver()) {
    await waitAWhile(context, context.client.ask({ ...kept, kind: "invoke", node }));
    await sleep(PACE_MS);
  }
}

/** Makes a membrane and a capability that every node has been asked for, however often that fails. */
export async function makeLife(context: LifeContext, lives: Life[], name: string): Promise<Life> {
  const made: Life[] = [];
  let turn = 0;
  await until(
    `there is a life: ${name}`,
    async () => {
      const life = begin(lives);
      await playLife(context, `${name} ${turn}`, { ...QUIET_LIFE, nodes: [turn, turn, turn, turn] }, life);
      if (life.exported.length > 0) made.push(life);
      turn += 1;
      return made.length > 0;
    },
    MAX_PART_MS,
  );
  return made[0]!;
}

/** Resolves when every node lets a capability through that is alive. */
export async function untilAllServe(context: LifeContext, kept: Held): Promise<void> {
  const untilServes = async (node: ServingNode): Promise<void> => {
    await until(
      "a node serves",
      async () => {
        return (await context.client.ask({ ...kept, kind: "invoke", node })).outcome === "done";
      },
      MAX_PART_MS,
    );
  };
  await Promise.all(context.nodes.map(untilServes));
}
