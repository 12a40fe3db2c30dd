import { expect, test } from "vitest";
import type { Uid } from "../../domain/uid.ts";
import { DEFAULT_LEASE_TIMES } from "./lease-times.ts";
import type { LeaseAction, LeaseMessage, NodeLease } from "./node-lease.ts";
import { advanceLease, createNodeLease, leaseWakeAt } from "./node-lease.ts";
import type { Cursor, LeaseReply, LeaseStatement, LogEntry } from "./statements.ts";

const HEAD: Cursor = { position: 4n, tag: "d" };
const ENTRY: LogEntry = { position: 5n, tag: "e", uid: "5".repeat(32) as Uid };
const WALL_AHEAD = 1_000_000;

/** A node whose store answers as the test says, at times that the test says. */
function startNode() {
  let lease: NodeLease = createNodeLease(DEFAULT_LEASE_TIMES, at(0));
  let names = 0;
  const receive = (message: LeaseMessage, ms: number): readonly LeaseAction[] => {
    const step = advanceLease(lease, message, { now: at(ms), newNode: `n${++names}` });
    lease = step.lease;
    return step.actions;
  };
  return {
    receive,
    wake: (ms: number) => receive({ type: "wake" }, ms),
    reply: (reply: LeaseReply, ms: number) => receive({ type: "replied", reply }, ms),
    wakeAt: () => leaseWakeAt(lease),
    statement: () => lease.inFlight?.statement,
  };
}

function at(ms: number) {
  return { monotonic: ms, wall: ms + WALL_AHEAD };
}

const renewed = (renewals: bigint, entries: readonly LogEntry[] = [], isComplete = true): LeaseReply => ({
  type: "renewed",
  renewals,
  entries,
  isComplete,
});

/** A node that joined at once and sent its first renewal at 0 ms; the reply came at 20 ms. */
function startServing() {
  const node = startNode();
  node.wake(0);
  node.reply({ type: "head", cursor: HEAD }, 0);
  node.reply({ type: "joined" }, 0);
  const row = node.statement()!;
  node.reply(renewed(1n), 20);
  return { ...node, row: (row as Extract<LeaseStatement, { type: "renew" }>).node };
}

const types = (actions: readonly LeaseAction[]): readonly string[] =>
  actions.map((action) => (action.type === "send" ? action.statement.type : action.type));

test("a node reads the head, joins, and serves from the sending of its first renewal", () => {
  const node = startNode();
  expect(types(node.wake(0))).toEqual(["readHead"]);
  expect(types(node.reply({ type: "head", cursor: HEAD }, 10))).toEqual(["restart", "join"]);
  expect(types(node.reply({ type: "joined" }, 20))).toEqual(["renew"]);
  expect(node.statement()).toMatchObject({ renewals: 0n, applied: HEAD });
  expect(node.reply(renewed(1n), 120)).toEqual([{ type: "hold", lease: { sent: at(20), lengthMs: 950 } }]);
});

test("it renews every 250 ms, counted from the sending", () => {
  const node = startServing();
  expect(node.wakeAt()).toBe(250);
  expect(types(node.wake(249))).toEqual([]);
  expect(types(node.wake(250))).toEqual(["renew"]);
  node.reply(renewed(2n), 290);
  expect(node.wakeAt()).toBe(500);
});

test("entries are applied before the lease counts, and reported at once", () => {
  const node = startServing();
  node.wake(250);
  const actions = node.reply(renewed(2n, [ENTRY]), 260);
  expect(types(actions)).toEqual(["apply", "hold", "renew"]);
  expect(node.statement()).toMatchObject({ renewals: 2n, applied: { position: 5n, tag: "e" } });
});

test("a part of what follows the cursor is applied, and no lease counts", () => {
  const node = startServing();
  node.wake(250);
  expect(types(node.reply(renewed(2n, [ENTRY], false), 260))).toEqual(["apply", "renew"]);
});

test("a node that is notified reads what follows its cursor, applies it and reports it", () => {
  const node = startServing();
  expect(types(node.receive({ type: "notified" }, 100))).toEqual(["readTail"]);
  expect(node.statement()).toEqual({ type: "readTail", applied: HEAD });
  expect(types(node.reply({ type: "tail", entries: [ENTRY] }, 101))).toEqual(["apply", "renew"]);
  expect(node.statement()).toMatchObject({ renewals: 1n, applied: { position: 5n, tag: "e" } });
});

test("a notification of nothing costs one read, and a renewal that is in flight is followed by a read", () => {
  const node = startServing();
  node.receive({ type: "notified" }, 100);
  expect(types(node.reply({ type: "tail", entries: [] }, 101))).toEqual([]);
  expect(node.wakeAt()).toBe(250);
  node.wake(250);
  expect(types(node.receive({ type: "notified" }, 251))).toEqual([]);
  expect(types(node.reply(renewed(2n), 252))).toEqual(["hold", "readTail"]);
  expect(types(node.receive({ type: "notified" }, 253))).toEqual([]);
  expect(types(node.reply({ type: "tail", entries: [] }, 254))).toEqual(["readTail"]);
  expect(types(node.reply({ type: "tail", entries: [] }, 255))).toEqual([]);
});

test("a read that does not find the cursor is followed by the renewal that decides it", () => {
  const node = startServing();
  node.receive({ type: "notified" }, 100);
  expect(types(node.reply({ type: "cursorUnknown" }, 101))).toEqual(["renew"]);
  expect(node.statement()).toMatchObject({ applied: HEAD });
});

test("a renewal that is due goes before a read", () => {
  const node = startServing();
  expect(types(node.receive({ type: "notified" }, 250))).toEqual(["renew"]);
  expect(types(node.reply(renewed(2n), 251))).toEqual(["hold"]);
});

test("a lease that is awaited brings the next renewal forward, also while one is in flight", () => {
  const node = startServing();
  expect(types(node.receive({ type: "awaited" }, 100))).toEqual(["renew"]);
  expect(types(node.receive({ type: "awaited" }, 101))).toEqual([]);
  expect(types(node.reply(renewed(2n), 105))).toEqual(["hold", "renew"]);
});

test("neither a notification nor what waits for a lease shortens the delay after a failure", () => {
  const node = startNode();
  node.wake(0);
  expect(types(node.receive({ type: "failed" }, 10))).toEqual(["disconnect"]);
  expect(types(node.receive({ type: "notified" }, 20))).toEqual([]);
  expect(types(node.receive({ type: "awaited" }, 20))).toEqual([]);
  expect(node.wakeAt()).toBe(60);
  expect(types(node.wake(60))).toEqual(["readHead"]);
});

test.each([
  ["a reply is late", { type: "wake" }, 550],
  ["the connection fails", { type: "failed" }, 260],
  ["a reply belongs to another statement", { type: "replied", reply: { type: "joined" } }, 260],
] as const)("when %s, the node joins under another name and then deletes its old row", (_, message, ms) => {
  const node = startServing();
  node.wake(250);
  expect(types(node.receive(message, ms))).toEqual(["disconnect"]);
  expect(types(node.wake(ms + 50))).toEqual(["join"]);
  expect(node.statement()).not.toMatchObject({ node: node.row });
  expect(types(node.reply({ type: "joined" }, ms + 60))).toEqual(["renew"]);
  expect(types(node.reply(renewed(1n), ms + 70))).toEqual(["hold", "remove"]);
  expect(node.statement()).toEqual({ type: "remove", nodes: [node.row] });
  expect(types(node.reply({ type: "removed" }, ms + 80))).toEqual([]);
});

test("the first statement on a connection has the time to connect, too", () => {
  const node = startNode();
  node.wake(0);
  expect(node.wakeAt()).toBe(1_000);
  node.reply({ type: "head", cursor: HEAD }, 900);
  expect(node.wakeAt()).toBe(1_200);
  node.reply({ type: "joined" }, 910);
  node.reply(renewed(1n), 920);
  node.receive({ type: "failed" }, 1_000);
  node.wake(1_160);
  expect(node.wakeAt()).toBe(2_160);
});

test("the old row stays while the new one has no lease", () => {
  const node = startServing();
  node.wake(250);
  node.wake(550);
  node.wake(600);
  node.reply({ type: "joined" }, 610);
  expect(types(node.reply(renewed(1n, [], false), 620))).toEqual([]);
  expect(types(node.wake(node.wakeAt()))).toEqual(["renew"]);
  expect(types(node.reply(renewed(2n), 880))).toEqual(["hold", "remove"]);
});

test("the name of a join without a reply is deleted too, and of many names the one that had a lease and the latest are kept", () => {
  const node = startServing();
  node.wake(250);
  for (let ms = 550; ms < 20_000; ms = node.wakeAt()) node.wake(ms);
  node.receive({ type: "failed" }, 20_000);
  node.wake(node.wakeAt());
  node.reply({ type: "joined" }, 21_000);
  node.reply(renewed(1n), 21_010);
  const statement = node.statement() as Extract<LeaseStatement, { type: "remove" }>;
  expect(statement.nodes).toHaveLength(16);
  expect(statement.nodes[0]).toBe(node.row);
  expect(new Set(statement.nodes).size).toBe(16);
});

test("a node whose row is lost stops at once, and joins with what it has applied", () => {
  const node = startServing();
  node.wake(250);
  expect(types(node.reply({ type: "rowLost" }, 260))).toEqual(["release"]);
  expect(types(node.wake(310))).toEqual(["join"]);
  node.reply({ type: "joined" }, 320);
  expect(node.statement()).toMatchObject({ renewals: 0n, applied: HEAD });
});

test("a node whose cursor is unknown stops, raises the alarm, and starts from the head", () => {
  const node = startServing();
  node.wake(250);
  expect(node.reply({ type: "cursorUnknown" }, 260)).toEqual([
    { type: "release" },
    { type: "alarm", cursor: HEAD },
  ]);
  expect(types(node.wake(310))).toEqual(["readHead"]);
  const other = { position: 4n, tag: "other" };
  expect(node.reply({ type: "head", cursor: other }, 320)[0]).toEqual({ type: "restart", cursor: other });
});

test("a clean stop ends the lease before the rows are deleted", () => {
  const node = startServing();
  expect(types(node.receive({ type: "stop" }, 100))).toEqual(["release", "remove"]);
  expect(node.statement()).toEqual({ type: "remove", nodes: [node.row] });
  expect(types(node.reply({ type: "removed" }, 110))).toEqual(["stopped"]);
  expect(node.wakeAt()).toBe(Infinity);
  expect(node.wake(5_000)).toEqual([]);
});

test("a stop waits for the renewal in flight, and its reply counts no lease", () => {
  const node = startServing();
  node.wake(250);
  expect(types(node.receive({ type: "stop" }, 255))).toEqual(["release"]);
  expect(types(node.reply(renewed(2n, [ENTRY]), 260))).toEqual(["remove"]);
  expect(types(node.wake(560))).toEqual(["disconnect", "stopped"]);
});

/** A node that joined again after a failure and removes its old row at 330 ms. */
function startRemoving() {
  const node = startServing();
  node.wake(250);
  node.receive({ type: "failed" }, 260);
  node.wake(310);
  node.reply({ type: "joined" }, 320);
  const { node: row } = node.statement() as Extract<LeaseStatement, { type: "renew" }>;
  expect(types(node.reply(renewed(1n), 330))).toEqual(["hold", "remove"]);
  return { ...node, oldRow: node.row, row };
}

test("a stop while older rows are deleted deletes the row of the node afterwards", () => {
  const node = startRemoving();
  expect(types(node.receive({ type: "stop" }, 340))).toEqual(["release"]);
  expect(node.statement()).toEqual({ type: "remove", nodes: [node.oldRow] });
  expect(types(node.reply({ type: "removed" }, 350))).toEqual(["remove"]);
  expect(node.statement()).toEqual({ type: "remove", nodes: [node.row] });
  expect(types(node.reply({ type: "removed" }, 360))).toEqual(["stopped"]);
});

test.each([
  ["has no reply", { type: "wake" }, 630],
  ["fails", { type: "failed" }, 350],
] as const)("a stop while the deletion of older rows %s tries the row of the node once", (_, message, ms) => {
  const node = startRemoving();
  node.receive({ type: "stop" }, 340);
  expect(types(node.receive(message, ms))).toEqual(["disconnect", "remove"]);
  expect(node.statement()).toEqual({ type: "remove", nodes: [node.row] });
  expect(types(node.wake(node.wakeAt()))).toEqual(["disconnect", "stopped"]);
});

test("a stop before anything was sent ends at once", () => {
  expect(types(startNode().receive({ type: "stop" }, 0))).toEqual(["release", "stopped"]);
});

test("messages that answer nothing change nothing", () => {
  const node = startServing();
  expect(node.reply(renewed(9n, [ENTRY]), 30)).toEqual([]);
  expect(node.receive({ type: "failed" }, 30)).toEqual([]);
  expect(types(node.wake(250))).toEqual(["renew"]);
  expect(node.statement()).toMatchObject({ renewals: 1n, applied: HEAD });
});
