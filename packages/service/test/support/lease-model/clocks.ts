import type { HeldLease, Instant } from "../../../src/store/lease/held-lease.ts";
import type { LeaseAction, NodeLease } from "../../../src/store/lease/node-lease.ts";
import type { RevokePoller } from "../../../src/store/lease/revoke-poller.ts";
import type { Exploring, NodeProcess, Revoker, World } from "./world.ts";

/** Longer ago than any time of the protocol: two moments so long ago are the same. */
const LONG_AGO_MS = -1_050;

export const NOW: Instant = { monotonic: 0, wall: 0 };

/** How far the clocks of a process go on in one tick, in milliseconds. */
type Passed = Instant;

function shiftTime(time: number, by: number): number {
  return Math.max(LONG_AGO_MS, time - by);
}

/** What is due is due, however long it has been. */
function shiftDue(time: number, by: number): number {
  return Math.max(0, time - by);
}

function shiftLease(lease: NodeLease, passed: Passed): NodeLease {
  return {
    ...lease,
    dueAt: shiftDue(lease.dueAt, passed.monotonic),
    inFlight: lease.inFlight && { ...lease.inFlight, sent: shiftInstant(lease.inFlight.sent, passed) },
  };
}

function shiftActions(actions: readonly LeaseAction[], passed: Passed): readonly LeaseAction[] {
  return actions.map((action): LeaseAction => {
    return action.type === "hold" ? { ...action, lease: shiftHeld(action.lease, passed) } : action;
  });
}

function shiftHeld(held: HeldLease, passed: Passed): HeldLease {
  return { ...held, sent: shiftInstant(held.sent, passed) };
}

function shiftInstant(instant: Instant, passed: Passed): Instant {
  return {
    monotonic: shiftTime(instant.monotonic, passed.monotonic),
    wall: shiftTime(instant.wall, passed.wall),
  };
}

function shiftPoller(poller: RevokePoller, passed: number): RevokePoller {
  return {
    ...poller,
    pollAt: shiftDue(poller.pollAt, passed),
    inFlight: poller.inFlight && { ...poller.inFlight, sentAt: shiftTime(poller.inFlight.sentAt, passed) },
    rows: poller.rows.map((row) => ({ ...row, since: shiftTime(row.since, passed) })),
    toDrop: poller.toDrop.map((row) => ({ ...row, since: shiftTime(row.since, passed) })),
    waiting: poller.waiting.map((revoke) => ({
      ...revoke,
      committedAt: shiftTime(revoke.committedAt, passed),
      deadline: shiftTime(revoke.deadline, passed),
    })),
  };
}

/** @param running 0 if the monotonic clocks of the nodes stop. */
export function tick(world: World, { scenario, registry }: Exploring, running: 0 | 1): World {
  const { tickMs, nodeRates, revokerRate, failoverMs } = scenario;
  const { database } = world;
  const isPromotable = database.downFor === undefined || database.downFor >= failoverMs;
  const shift = <T extends object>(part: T, by: string, shifted: (part: T) => T): T =>
    registry.memoize(`${by} ${registry.numberOf(part)}`, () => registry.canonical(shifted(part)));
  // A lease that has ended is no other than none.
  const inForce = (held: HeldLease | undefined): HeldLease | undefined =>
    scenario.protocol.leaseInForce(held, NOW.monotonic, NOW.wall) ? held : undefined;
  const shiftNode = (node: NodeProcess, process: number): NodeProcess => {
    const wall = tickMs * nodeRates[process]!;
    const passed: Passed = { monotonic: wall * running, wall };
    const by = `node ${process} ${running}`;
    return {
      ...node,
      lease: shift(node.lease, by, (lease) => shiftLease(lease, passed)),
      pending: shift(node.pending, by, (pending) => shiftActions(pending, passed)),
      held: inForce(node.held && shift(node.held, by, (held) => shiftHeld(held, passed))),
    };
  };
  const shiftRevoker = (revoker: Revoker): Revoker => {
    const passed = tickMs * revokerRate;
    return {
      ...revoker,
      poller: shift(revoker.poller, "revoker", (poller) => shiftPoller(poller, passed)),
      revokes: revoker.revokes.map((revoke) => {
        if (revoke.state !== "appending" && revoke.state !== "waiting") return revoke;
        return { ...revoke, since: shiftTime(revoke.since, passed) };
      }),
    };
  };
  return {
    ...world,
    database: isPromotable
      ? database
      : registry.canonical({ ...database, downFor: database.downFor + tickMs }),
    nodes: world.nodes.map(shiftNode),
    revoker: shiftRevoker(world.revoker),
  };
}
