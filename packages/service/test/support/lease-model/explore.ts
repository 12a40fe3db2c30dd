import type { Scenario } from "./protocol.ts";
import { createRegistry } from "./registry.ts";
import { messagePoller, startWorld } from "./steps.ts";
import { findViolation, isOver, successors } from "./successors.ts";
import type { Exploring, NodeProcess, World } from "./world.ts";

export interface Exploration {
  readonly states: number;
  /** No state is left out. */
  readonly isComplete: boolean;
  /** The shortest way to a state that must not be, one line a step. */
  readonly counterexample: readonly string[] | undefined;
}

/** Visits every state that can be reached, nearest first, until one breaks the promise or there are too many. */
export function explore(scenario: Scenario, maxStates: number): Exploration {
  const exploring: Exploring = { scenario, registry: createRegistry() };
  const start = scenario.startsServing ? serving(exploring) : startWorld(exploring);
  const begun = follow(start, scenario.begins, exploring);
  const parents = new Map<string, string | undefined>([[keyOf(begun, exploring), undefined]]);
  let frontier: World[] = [begun];
  while (frontier.length > 0) {
    const next: World[] = [];
    for (const world of frontier) {
      const key = keyOf(world, exploring);
      for (const step of successors(world, exploring)) {
        const stepKey = keyOf(step.world, exploring);
        if (parents.has(stepKey)) continue;
        parents.set(stepKey, key);
        if (findViolation(step.world, exploring) !== undefined)
          return {
            states: parents.size,
            isComplete: false,
            counterexample: [...scenario.begins, ...traceTo(stepKey, parents, begun, exploring)],
          };
        if (parents.size >= maxStates)
          return { states: parents.size, isComplete: false, counterexample: undefined };
        if (!isOver(step.world)) next.push(step.world);
      }
    }
    frontier = next;
  }
  return { states: parents.size, isComplete: true, counterexample: undefined };
}

/** The state in which each node has a lease and the poller knows its row, if nothing else has happened. */
function serving(exploring: Exploring): World {
  const { nodeSends, pollerSends } = exploring.scenario;
  const withSends = (world: World, node: number, poller: number): World => ({
    ...world,
    nodes: world.nodes.map((process) => ({ ...process, sends: node })),
    revoker: { ...world.revoker, sends: poller },
  });
  const advanceUntil = (from: World, isThere: (world: World) => boolean): World => {
    let world = from;
    while (!isThere(world)) world = successors(world, exploring)[0]!.world;
    return world;
  };
  const joining = withSends(startWorld(exploring), Infinity, 0);
  const held = advanceUntil(joining, ({ nodes }) => nodes.every((node) => node.held !== undefined));
  const polling = messagePoller(withSends(held, 0, 1), { type: "wake" }, 0, exploring);
  const known = advanceUntil(polling, ({ revoker }) => revoker.poller.rows.length > 0);
  const { registry } = exploring;
  const flushed = { ...known, database: registry.canonical({ ...known.database, durable: undefined }) };
  return withSends(flushed, nodeSends, pollerSends);
}

/** @param labels beginnings of the labels of the steps to follow. */
function follow(start: World, labels: readonly string[], exploring: Exploring): World {
  let world = start;
  for (const label of labels) {
    const step = successors(world, exploring).find((candidate) => candidate.label().startsWith(label));
    if (step === undefined) throw new Error(`no such step here: ${label}`);
    world = step.world;
  }
  return world;
}

/** Follows the keys from the start again, so that no state has to keep how it was reached. */
function traceTo(
  end: string,
  parents: ReadonlyMap<string, string | undefined>,
  start: World,
  exploring: Exploring,
): readonly string[] {
  const keys = [end];
  for (let key = parents.get(end); key !== undefined; key = parents.get(key)) keys.unshift(key);
  const lines: string[] = [];
  let world = start;
  for (const key of keys.slice(1)) {
    const step = successors(world, exploring).find((candidate) => keyOf(candidate.world, exploring) === key)!;
    lines.push(step.label());
    world = step.world;
  }
  return [...lines, `=> ${findViolation(world, exploring)}`];
}

/** Names a state so that equal ones have equal names. */
function keyOf(world: World, { registry }: Exploring): string {
  const { database, statements, nodes, revoker, acknowledged, faults } = world;
  const nodeKey = ({ lease, pending, held, applied, sends, names }: NodeProcess): string =>
    `${registry.numberOf(lease)} ${registry.numberOf(pending)} ${registry.numberOf(held)} ${applied} ${sends} ${names}`;
  const revokes = revoker.revokes.map(({ state, since }) => `${state.slice(0, 2)}${since}`);
  return [
    registry.numberOf(database),
    ...nodes.map(nodeKey),
    registry.numberOf(revoker.poller),
    revoker.sends,
    ...revokes,
    acknowledged,
    `${faults.restarts} ${faults.crashes} ${faults.failovers} ${faults.suspensions}`,
    statements
      .map((statement) => registry.numberOf(statement))
      .toSorted((a, b) => a - b)
      .join(" "),
  ].join(",");
}
