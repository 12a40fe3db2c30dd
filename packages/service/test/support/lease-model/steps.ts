import { createNodeLease, leaseWakeAt } from "../../../src/store/lease/node-lease.ts";
import type { LeaseAction, LeaseMessage } from "../../../src/store/lease/node-lease.ts";
import { createRevokePoller, pollerWakeAt } from "../../../src/store/lease/revoke-poller.ts";
import type { PollerAction, PollerMessage } from "../../../src/store/lease/revoke-poller.ts";
import type { LeaseReply, PollerReply } from "../../../src/store/lease/statements.ts";
import { NOW } from "./clocks.ts";
import { EMPTY_DATABASE } from "./database.ts";
import type { Exploring, NodeProcess, Revoke, Revoker, Statement, World, WriteReply } from "./world.ts";
import { bitOf, membranesIn, replaceAt } from "./world.ts";

/* What processes do: they receive a message, and carry out the actions that follow from it. */

export function startWorld(exploring: Exploring): World {
  const { scenario, registry } = exploring;
  const { restarts, crashes, failovers, suspensions } = scenario;
  return {
    database: registry.canonical(EMPTY_DATABASE),
    statements: [],
    nodes: scenario.nodeRates.map(() =>
      startNode(exploring, { names: 0, sends: scenario.nodeSends, applied: 0 }),
    ),
    revoker: {
      poller: registry.canonical({ ...createRevokePoller(scenario.protocol.times, 0), pollAt: 0 }),
      revokes: scenario.revokes.map((membrane) => ({ membrane, state: "new", since: 0 })),
      sends: scenario.pollerSends,
    },
    acknowledged: 0,
    faults: { restarts, crashes, failovers, suspensions },
  };
}

/** @param applied by a process without any resolutions: all that it will read has these. */
export function startNode(
  { scenario, registry }: Exploring,
  { names, sends, applied }: Pick<NodeProcess, "names" | "sends" | "applied">,
): NodeProcess {
  const lease = registry.canonical(createNodeLease(scenario.protocol.times, NOW));
  return {
    lease,
    pending: registry.canonical([]),
    held: undefined,
    applied,
    sends,
    names,
  };
}

export function isNodeDue({ lease, sends }: NodeProcess): boolean {
  return leaseWakeAt(lease) <= 0 && (lease.inFlight !== undefined || sends > 0);
}

/** Once every revoke has ended, what the poller does can only end leases. */
export function isPollerDue({ poller, sends, revokes }: Revoker): boolean {
  if (pollerWakeAt(poller) > 0 || revokes.every(isSettled)) return false;
  return sends > 0 || poller.inFlight !== undefined || isWaitOver(poller);
}

export function isSettled({ state }: Revoke): boolean {
  return state === "acknowledged" || state === "refused";
}

function isWaitOver(poller: Revoker["poller"]): boolean {
  return pollerWakeAt({ ...poller, inFlight: undefined, pollAt: Infinity }) <= 0;
}

export function messageNode(
  world: World,
  process: number,
  message: LeaseMessage,
  exploring: Exploring,
): World {
  const { registry, scenario } = exploring;
  const node = world.nodes[process]!;
  const newNode = scenario.protocol.nodeName(process, node.names);
  const about = message.type === "replied" ? registry.numberOf(message.reply) : message.type;
  const { lease, actions, names } = registry.memoize(
    `lease ${registry.numberOf(node.lease)} ${about} ${newNode}`,
    () => {
      const step = scenario.protocol.advanceLease(node.lease, message, { now: NOW, newNode });
      const joins = step.actions.filter(
        (action) => action.type === "send" && action.statement.type === "join",
      );
      return {
        lease: registry.canonical(step.lease),
        actions: step.actions,
        names: joins.length,
      };
    },
  );
  const next = { ...node, lease, pending: actions, names: node.names + names };
  return actNode(withNode(world, process, next), process, exploring);
}

/**
 * Carries out actions that wait: all of a turn, or those up to the next that another process could come before. A process may be
 * paused within a turn; that is no other than a later reply, if the actions are in the right order.
 */
export function actNode(world: World, process: number, exploring: Exploring): World {
  let next = world;
  let count = 0;
  for (const action of world.nodes[process]!.pending) {
    if (exploring.scenario.splitsTurns && count > 0 && (action.type === "apply" || action.type === "hold"))
      break;
    next = carryOutNode(next, process, action, exploring);
    count += 1;
  }
  const node = next.nodes[process]!;
  const pending = exploring.registry.canonical(node.pending.slice(count));
  return withNode(next, process, { ...node, pending });
}

/** What is sent beyond the bound of the scenario is lost. */
function carryOutNode(world: World, process: number, action: LeaseAction, exploring: Exploring): World {
  const node = world.nodes[process]!;
  switch (action.type) {
    case "send": {
      if (node.sends === 0) return world;
      const sent = withNode(world, process, { ...node, sends: node.sends - 1 });
      const { statement } = action;
      return send(sent, { owner: "node", process, statement, stage: { type: "sent" } }, exploring);
    }
    case "disconnect":
      return orphan(
        world,
        (statement) => statement.owner === "node" && statement.process === process,
        exploring,
      );
    case "apply": {
      const applied = node.applied | membranesIn(action.entries);
      return withNode(world, process, { ...node, applied });
    }
    case "restart":
      return withNode(world, process, { ...node, applied: membranesIn(world.database.log) });
    case "hold":
      return withNode(world, process, { ...node, held: exploring.registry.canonical(action.lease) });
    case "release":
      return withNode(world, process, { ...node, held: undefined });
    case "alarm":
    case "stopped":
      return world;
  }
}

export function messagePoller(
  world: World,
  message: PollerMessage,
  now: number,
  exploring: Exploring,
): World {
  const { registry, scenario } = exploring;
  const { revoker } = world;
  const about =
    message.type === "replied"
      ? registry.numberOf(message.reply)
      : message.type === "wait"
        ? `wait ${message.ticket} ${message.position} ${now}`
        : message.type;
  const { poller, actions } = registry.memoize(`poller ${registry.numberOf(revoker.poller)} ${about}`, () => {
    const step = scenario.protocol.advancePoller(revoker.poller, message, now);
    return { poller: registry.canonical(step.poller), actions: step.actions };
  });
  let next: World = { ...world, revoker: { ...revoker, poller } };
  for (const action of actions) next = carryOutPoller(next, action, exploring);
  return next;
}

function carryOutPoller(world: World, action: PollerAction, exploring: Exploring): World {
  const { revoker } = world;
  switch (action.type) {
    case "send": {
      if (revoker.sends === 0) return world;
      const sent = { ...world, revoker: { ...revoker, sends: revoker.sends - 1 } };
      const { statement } = action;
      return send(sent, { owner: "poller", process: 0, statement, stage: { type: "sent" } }, exploring);
    }
    case "disconnect":
      return orphan(world, ({ owner }) => owner === "poller", exploring);
    case "settle": {
      const { membrane } = revoker.revokes[action.ticket]!;
      const state = action.isAcknowledged ? "acknowledged" : "refused";
      const promised = action.isAcknowledged ? bitOf(membrane) & membranesIn(world.database.log) : 0;
      return { ...withRevoke(world, action.ticket, { state }), acknowledged: world.acknowledged | promised };
    }
  }
}

export function beginRevoke(world: World, ticket: number, exploring: Exploring): World {
  const { membrane } = world.revoker.revokes[ticket]!;
  const begun = withRevoke(world, ticket, { state: "appending", since: 0 });
  const statement = { type: "append", membrane } as const;
  return send(begun, { owner: "writer", process: ticket, statement, stage: { type: "sent" } }, exploring);
}

/** Passes a reply, or its absence, to the process that waits for it. */
export function deliver(world: World, delivered: Statement, exploring: Exploring): World {
  const { owner, process, stage } = delivered;
  const rest = { ...world, statements: world.statements.filter((other) => other !== delivered) };
  const reply = stage.type === "done" ? stage.reply : undefined;
  if (owner === "node") {
    const message: LeaseMessage =
      reply === undefined ? { type: "failed" } : { type: "replied", reply: reply as LeaseReply };
    return messageNode(rest, process, message, exploring);
  }
  if (owner === "poller") {
    const message: PollerMessage =
      reply === undefined ? { type: "failed" } : { type: "replied", reply: reply as PollerReply };
    return messagePoller(rest, message, 0, exploring);
  }
  if (reply === undefined) return withRevoke(rest, process, { state: "refused" });
  return deliverWrite(rest, process, reply as WriteReply, exploring);
}

function deliverWrite(world: World, ticket: number, reply: WriteReply, exploring: Exploring): World {
  const { membrane, since } = world.revoker.revokes[ticket]!;
  if (reply.type === "unchanged") {
    const statement = { type: "repeat", membrane } as const;
    return send(world, { owner: "writer", process: ticket, statement, stage: { type: "sent" } }, exploring);
  }
  const waiting = withRevoke(world, ticket, { state: "waiting", since: 0 });
  const message = { type: "wait", ticket, position: reply.position, deadline: Infinity } as const;
  return messagePoller(waiting, message, exploring.scenario.protocol.waitFrom(0, since), exploring);
}

function send(world: World, statement: Statement, { registry }: Exploring): World {
  return { ...world, statements: [...world.statements, registry.canonical(statement)] };
}

/** What was sent on a connection that is destroyed may still be carried out; no reply to it arrives. */
export function orphan(
  world: World,
  isOrphan: (statement: Statement) => boolean,
  { registry }: Exploring,
): World {
  return {
    ...world,
    statements: world.statements
      .filter((statement) => !isOrphan(statement) || !isOver(statement))
      .map((statement) => {
        if (!isOrphan(statement)) return statement;
        return registry.canonical<Statement>({ ...statement, owner: "none", process: -1 });
      }),
  };
}

function isOver({ stage, statement }: Statement): boolean {
  const isRead = ["poll", "readHead", "readTail"].includes(statement.type);
  return isRead || stage.type === "done" || stage.type === "failed";
}

export function withNode(world: World, process: number, node: NodeProcess): World {
  return { ...world, nodes: replaceAt(world.nodes, process, node) };
}

function withRevoke(world: World, ticket: number, change: Partial<Revoke>): World {
  const { revoker } = world;
  const revokes = replaceAt(revoker.revokes, ticket, { ...revoker.revokes[ticket]!, ...change });
  return { ...world, revoker: { ...revoker, revokes } };
}
