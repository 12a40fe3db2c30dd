import type { LeaseAction, LeaseStep } from "../../../src/store/lease/node-lease.ts";
import { advanceLease } from "../../../src/store/lease/node-lease.ts";
import { advancePoller } from "../../../src/store/lease/revoke-poller.ts";
import { servedMs, waitMs } from "../../../src/store/lease/lease-times.ts";
import type { LeaseStatement } from "../../../src/store/lease/statements.ts";
import { unchangedFor } from "../../../src/store/lease/watched-rows.ts";
import { RECOMMENDED_DATABASE } from "./database.ts";
import type { Protocol, Scenario } from "./protocol.ts";
import { BASE, RECOMMENDED } from "./protocol.ts";

/** A rule of the protocol that is left out, and what has to happen so that it shows. */
export interface Weakening {
  readonly name: string;
  readonly scenario: Scenario;
  /** The last line of the counterexample. */
  readonly breaks: string;
}

/** What a node does until it has its first lease. */
const JOINS = [
  "node 0: wakes",
  "server: carries out readHead",
  "node 0: reply",
  "server: carries out join",
  "node 0: reply",
  "server: snapshot of renew",
  "server: carries out renew",
  "node 0: reply",
];

/** What a node does for each further one. */
const RENEWS = ["node 0: wakes", ...JOINS.slice(-3)];

const STALE = "=> node 0 serves without a revoke that was acknowledged";
const ENDLESS = "=> revoke 0 does not end";

const weaken = (change: Partial<Protocol>, scenario: Partial<Scenario> = {}): Scenario => ({
  ...BASE,
  ...scenario,
  protocol: { ...RECOMMENDED, ...change },
});

const weakenDatabase = (change: Partial<Protocol["database"]>, scenario: Partial<Scenario> = {}): Scenario =>
  weaken({ database: { ...RECOMMENDED_DATABASE, ...change } }, scenario);

export const WEAKENINGS: readonly Weakening[] = [
  {
    name: "no margin",
    breaks: STALE,
    scenario: weaken({ times: { ...RECOMMENDED.times, leaseMarginMs: 0 } }),
  },
  {
    name: "a lease counted from the reply to the renewal",
    breaks: STALE,
    scenario: weaken({
      advanceLease: (lease, message, context) =>
        mapActions(advanceLease(lease, message, context), (action) =>
          action.type === "hold" ? { ...action, lease: { ...action.lease, sent: context.now } } : action,
        ),
    }),
  },
  {
    name: "a lease that counts before the entries are applied",
    breaks: STALE,
    scenario: weaken({ advanceLease: reorder("hold", "apply") }, { splitsTurns: true }),
  },
  {
    name: "`applied` reported before the resolutions are dropped",
    breaks: STALE,
    scenario: weaken({ advanceLease: reorder("send", "apply") }, { splitsTurns: true }),
  },
  {
    name: "the name of a row used again by the next process",
    breaks: STALE,
    scenario: weaken(
      { nodeName: (process) => `${process}` },
      {
        restarts: 1,
        nodeSends: 0,
        pollerSends: 3,
        begins: ["500 ms pass", "node 0: its process is killed", ...JOINS],
      },
    ),
  },
  {
    name: "rows that do not change passed over and not deleted",
    breaks: STALE,
    scenario: weaken({
      advancePoller: (poller, message, now) => {
        const isRows = message.type === "replied" && message.reply.type === "rows";
        if (!isRows || message.reply.type !== "rows") return advancePoller(poller, message, now);
        const still = unchangedFor(poller.rows, waitMs(poller.times), now);
        const rows = message.reply.rows.filter(
          ({ node, renewals }) => !still.some((row) => row.node === node && row.renewals === renewals),
        );
        return advancePoller(poller, { type: "replied", reply: { type: "rows", rows } }, now);
      },
    }),
  },
  {
    name: "a row deleted whatever its count",
    breaks: STALE,
    scenario: weakenDatabase({ comparesCountInDrop: false }, { nodeSends: 1, pollerSends: 3 }),
  },
  {
    name: "the wait for a row counted from the sending of the poll",
    breaks: STALE,
    scenario: weaken(
      {
        advancePoller: (poller, message, now) => {
          const { inFlight } = poller;
          if (message.type !== "replied" || message.reply.type !== "rows" || inFlight === undefined)
            return advancePoller(poller, message, now);
          const step = advancePoller(poller, message, now);
          const rows = step.poller.rows.map((row) =>
            row.since === now ? { ...row, since: inFlight.sentAt } : row,
          );
          return { ...step, poller: { ...step.poller, rows } };
        },
      },
      {
        nodeSends: 1,
        pollerSends: 4,
        begins: ["500 ms pass", "revoker: wakes", "500 ms pass", "node 0: wakes"],
      },
    ),
  },
  {
    name: "the wait for all leases counted from the sending of the append",
    breaks: STALE,
    scenario: weaken({ waitFrom: (_repliedAt, sentAt) => sentAt }),
  },
  {
    name: "a poll that was sent before the commit taken for the first",
    breaks: STALE,
    scenario: weaken(
      {
        advancePoller: (poller, message, now) => {
          const step = advancePoller(poller, message, now);
          const waiting = step.poller.waiting.map((revoke) => ({ ...revoke, isPolled: true }));
          return { ...step, poller: { ...step.poller, waiting } };
        },
      },
      { startsServing: false, nodeSends: 3, pollerSends: 1 },
    ),
  },
  {
    name: "renewals with synchronous_commit off",
    breaks: STALE,
    scenario: weakenDatabase(
      { leaseRows: "lost if a renewal was the last write" },
      {
        crashes: 1,
        nodeSends: 1,
        pollerSends: 3,
        begins: ["500 ms pass", ...RENEWS, "server: crashes"],
      },
    ),
  },
  {
    name: "an unlogged table",
    breaks: STALE,
    scenario: weakenDatabase({ leaseRows: "all lost" }, { crashes: 1 }),
  },
  {
    name: "the old row deleted before the lease of the new one is in force",
    breaks: STALE,
    scenario: weaken({ advanceLease: removeBeforeJoin }, { tickMs: 250, nodeSends: 2, pollerSends: 1 }),
  },
  {
    name: "a position without a tag, after a failover",
    breaks: STALE,
    scenario: weakenDatabase(
      { comparesTag: false },
      {
        failovers: 1,
        revokes: [0, 1],
        nodeSends: 4,
        pollerSends: 0,
        begins: [
          "server: its standby falls behind",
          "revoker: begins revoke 0",
          "server: carries out append",
          "node 0: its lease is awaited",
          "server: snapshot of renew",
          "server: carries out renew",
          "node 0: reply to renew",
          "server: the primary is lost",
        ],
      },
    ),
  },
  {
    name: "a lease counted from a read of the log",
    breaks: STALE,
    scenario: weaken(
      {
        advanceLease: (lease, message, context) => {
          const step = advanceLease(lease, message, context);
          if (message.type !== "replied" || message.reply.type !== "tail" || lease.inFlight === undefined)
            return step;
          const held = { sent: lease.inFlight.sent, lengthMs: servedMs(lease.times) };
          const [apply, ...others] = step.actions;
          return {
            ...step,
            actions: [...(apply === undefined ? [] : [apply]), { type: "hold", lease: held }, ...others],
          };
        },
      },
      {
        tickMs: 150,
        revokes: [0, 1],
        pollerSends: 4,
        begins: [
          "150 ms pass",
          "revoker: begins revoke 0",
          "server: carries out append",
          "node 0: is notified",
          "server: carries out readTail",
          "node 0: reply",
          ...Array<string>(6).fill("150 ms pass"),
        ],
      },
    ),
  },
  {
    name: "a lease counted with a part of what follows the cursor",
    breaks: STALE,
    scenario: weaken(
      {
        database: { ...RECOMMENDED_DATABASE, pageSize: 1 },
        advanceLease: (lease, message, context) =>
          advanceLease(
            lease,
            message.type === "replied" && message.reply.type === "renewed"
              ? { type: "replied", reply: { ...message.reply, isComplete: true } }
              : message,
            context,
          ),
      },
      { revokes: [0, 1] },
    ),
  },
  {
    name: "a repeated revoke that reads the position in an older snapshot than the state",
    breaks: STALE,
    scenario: weakenDatabase({ repeatReads: "in an older snapshot" }, { revokes: [0, 0] }),
  },
  {
    name: "a wait for rows alone, without an end",
    breaks: ENDLESS,
    scenario: weaken({ waitFrom: () => 10_000 }),
  },
  {
    name: "only the monotonic clock compared, on a machine that sleeps",
    breaks: STALE,
    scenario: weaken(
      {
        leaseInForce: (lease, monotonic) =>
          lease !== undefined && monotonic - lease.sent.monotonic < lease.lengthMs,
      },
      { suspensions: 4 },
    ),
  },
];

/** What is assumed of machines and databases; without it the protocol is not safe, and no rule of it could help. */
export const ASSUMPTIONS: readonly Weakening[] = [
  {
    name: "a clock that is wrong by more than the margin covers",
    breaks: STALE,
    scenario: { ...BASE, nodeRates: [0.9] },
  },
  {
    name: "a failover that loses commits within the time of a lease",
    breaks: STALE,
    scenario: {
      ...BASE,
      failovers: 1,
      failoverMs: 0,
      startsServing: false,
      nodeSends: 3,
      begins: ["server: its standby falls behind", ...JOINS],
    },
  },
];

function mapActions(step: LeaseStep, map: (action: LeaseAction) => LeaseAction): LeaseStep {
  return { ...step, actions: step.actions.map(map) };
}

/** Carries out one kind of action just before another. */
function reorder(first: LeaseAction["type"], before: LeaseAction["type"]): typeof advanceLease {
  return (lease, message, context) => {
    const { lease: next, actions } = advanceLease(lease, message, context);
    const moved = actions.filter(({ type }) => type === first);
    const rest = actions.filter(({ type }) => type !== first);
    const at = rest.findIndex(({ type }) => type === before);
    return { lease: next, actions: at < 0 ? actions : rest.toSpliced(at, 0, ...moved) };
  };
}

function removeBeforeJoin(...args: Parameters<typeof advanceLease>): LeaseStep {
  const step = advanceLease(...args);
  const { inFlight, oldRows } = step.lease;
  if (inFlight?.statement.type !== "join" || oldRows.length === 0) return step;
  const statement: LeaseStatement = { type: "remove", nodes: oldRows };
  return {
    lease: { ...step.lease, inFlight: { ...inFlight, statement } },
    actions: step.actions.map((action): LeaseAction => {
      return action.type === "send" ? { type: "send", statement } : action;
    }),
  };
}
