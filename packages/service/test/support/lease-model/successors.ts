import { waitMs } from "../../../src/store/lease/lease-times.ts";
import { NOW, tick } from "./clocks.ts";
import { execute, hasSnapshot, takeSnapshot } from "./database.ts";
import { faultSteps } from "./faults.ts";
import {
  actNode,
  beginRevoke,
  deliver,
  isNodeDue,
  isPollerDue,
  isSettled,
  messageNode,
  messagePoller,
} from "./steps.ts";
import type { Exploring, Revoke, Statement, Step, World } from "./world.ts";
import { replaceAt } from "./world.ts";

/** Whether nothing that follows can break the promise: all revokes have ended, and every node has applied those acknowledged. */
export function isOver({ revoker, nodes, acknowledged, faults }: World): boolean {
  return (
    faults.failovers + faults.crashes === 0 &&
    revoker.revokes.every(isSettled) &&
    nodes.every(({ applied }) => (acknowledged & ~applied) === 0)
  );
}

/** All that may happen next. Whatever can happen can also be late: time may pass before it. */
export function successors(world: World, exploring: Exploring): Step[] {
  const { tickMs } = exploring.scenario;
  const steps: Step[] = [];
  if (world.database.downFor === undefined) databaseSteps(world, exploring, steps);
  deliveries(world, exploring, steps);
  nodeSteps(world, exploring, steps);
  revokerSteps(world, exploring, steps);
  faultSteps(world, exploring, steps);
  steps.push({ label: () => `${tickMs} ms pass`, world: tick(world, exploring, 1) });
  return steps;
}

function databaseSteps(world: World, { scenario, registry }: Exploring, steps: Step[]): void {
  const { database, statements } = world;
  const rules = scenario.protocol.database;
  statements.forEach((sent, index) => {
    const { stage, statement, owner } = sent;
    if (stage.type === "done" || stage.type === "failed") return;
    const key = `${registry.numberOf(database)} ${registry.numberOf(sent)}`;
    if (stage.type === "sent" && hasSnapshot(statement, rules)) {
      const next = registry.memoize(`snapshot ${key}`, () => {
        const seen = takeSnapshot(database, statement, rules);
        return registry.canonical<Statement>({ ...sent, stage: { type: "snapshot", seen } });
      });
      steps.push({
        label: () => `server: snapshot of ${describe(sent)}`,
        world: { ...world, statements: replaceAt(statements, index, next) },
      });
      return;
    }
    const executed = registry.memoize(`execute ${key}`, () => {
      const seen = stage.type === "snapshot" ? stage.seen : undefined;
      const { database: after, reply } = execute(database, statement, rules, seen);
      const done = { ...sent, stage: { type: "done", reply: registry.canonical(reply) } } as Statement;
      return { database: registry.canonical(after), done: registry.canonical(done), reply };
    });
    steps.push({
      label: () => `server: carries out ${describe(sent)}: ${text(executed.reply)}`,
      world: {
        ...world,
        database: executed.database,
        statements:
          owner === "none"
            ? statements.filter((_, at) => at !== index)
            : replaceAt(statements, index, executed.done),
      },
    });
  });
}

function deliveries(world: World, exploring: Exploring, steps: Step[]): void {
  for (const statement of world.statements) {
    const { stage, owner, process } = statement;
    if (stage.type !== "done" && stage.type !== "failed") continue;
    if (owner === "node" && world.nodes[process]!.pending.length > 0) continue;
    const what = stage.type === "done" ? "reply to" : "failure of";
    steps.push({
      label: () => `${owner === "node" ? `node ${process}` : "revoker"}: ${what} ${describe(statement)}`,
      world: deliver(world, statement, exploring),
    });
  }
}

function nodeSteps(world: World, exploring: Exploring, steps: Step[]): void {
  world.nodes.forEach((node, process) => {
    const [action] = node.pending;
    if (action !== undefined) {
      steps.push({
        label: () => `node ${process}: ${text(action)}`,
        world: actNode(world, process, exploring),
      });
      return;
    }
    if (isNodeDue(node)) {
      steps.push({
        label: () => `node ${process}: wakes`,
        world: messageNode(world, process, { type: "wake" }, exploring),
      });
    }
    const { inFlight, row, cursor, dueAt } = node.lease;
    const isNews = cursor !== undefined && cursor.tag !== world.database.log.at(-1)?.tag;
    if (isNews && node.sends > 0 && inFlight === undefined && row !== undefined && dueAt > 0) {
      steps.push({
        label: () => `node ${process}: is notified`,
        world: messageNode(world, process, { type: "notified" }, exploring),
      });
      steps.push({
        label: () => `node ${process}: its lease is awaited`,
        world: messageNode(world, process, { type: "awaited" }, exploring),
      });
    }
  });
}

function revokerSteps(world: World, exploring: Exploring, steps: Step[]): void {
  const { revoker } = world;
  if (isPollerDue(revoker)) {
    steps.push({
      label: () => "revoker: wakes",
      world: messagePoller(world, { type: "wake" }, 0, exploring),
    });
  }
  const ticket = revoker.revokes.findIndex(({ state }) => state === "new");
  if (ticket >= 0) {
    steps.push({
      label: () => `revoker: begins revoke ${ticket}`,
      world: beginRevoke(world, ticket, exploring),
    });
  }
}

/** Why the state must never be reached, if so: a revoke that was acknowledged holds everywhere, and every revoke ends. */
export function findViolation(world: World, exploring: Exploring): string | undefined {
  const { protocol } = exploring.scenario;
  const process = world.nodes.findIndex(
    ({ held, applied }) =>
      (world.acknowledged & ~applied) !== 0 && protocol.leaseInForce(held, NOW.monotonic, NOW.wall),
  );
  if (process >= 0) return `node ${process} serves without a revoke that was acknowledged`;
  const isOverdue = ({ state, since }: Revoke): boolean =>
    state === "waiting" && -since >= waitMs(protocol.times);
  const ticket = world.revoker.revokes.findIndex(isOverdue);
  if (ticket < 0) return undefined;
  const woken = messagePoller(world, { type: "wake" }, 0, exploring);
  return isOverdue(woken.revoker.revokes[ticket]!) ? `revoke ${ticket} does not end` : undefined;
}

function describe({ owner, process, statement }: Statement): string {
  const from = owner === "node" ? ` of node ${process}` : owner === "none" ? " (orphaned)" : "";
  return `${text(statement)}${from}`;
}

function text({ type, ...rest }: { readonly type: string }): string {
  const fields = JSON.stringify(rest, (_, value: unknown) =>
    typeof value === "bigint" ? Number(value) : value,
  );
  return fields === "{}" ? type : `${type} ${fields}`;
}
