import { expect, test } from "vitest";
import { DEFAULT_LEASE_TIMES } from "./lease-times.ts";
import type { PollerAction, PollerMessage, RevokePoller } from "./revoke-poller.ts";
import { advancePoller, createRevokePoller, pollerWakeAt } from "./revoke-poller.ts";
import type { LeaseRow } from "./statements.ts";

function startPoller() {
  let poller: RevokePoller = createRevokePoller(DEFAULT_LEASE_TIMES, 0);
  const receive = (message: PollerMessage, ms: number): readonly PollerAction[] => {
    const step = advancePoller(poller, message, ms);
    poller = step.poller;
    return step.actions;
  };
  return {
    receive,
    wake: (ms: number) => receive({ type: "wake" }, ms),
    wait: (ticket: number, position: bigint, ms: number, deadline = ms + 2_000) =>
      receive({ type: "wait", ticket, position, deadline }, ms),
    rows: (rows: readonly LeaseRow[], ms: number) =>
      receive({ type: "replied", reply: { type: "rows", rows } }, ms),
    dropped: (ms: number) => receive({ type: "replied", reply: { type: "dropped" } }, ms),
    wakeAt: () => pollerWakeAt(poller),
  };
}

const row = (node: string, renewals: number, applied: bigint): LeaseRow => ({
  node,
  renewals: BigInt(renewals),
  applied,
});
const POLL = { type: "send", statement: { type: "poll" } };
const acknowledged = (ticket: number) => ({ type: "settle", ticket, isAcknowledged: true });
const drop = (node: string, renewals: number) => ({
  type: "send",
  statement: { type: "drop", node, renewals: BigInt(renewals) },
});

test("a revoke is acknowledged when every row of its first poll has reported it or is gone", () => {
  const poller = startPoller();
  expect(poller.wait(1, 5n, 0)).toEqual([POLL]);
  expect(poller.rows([row("a", 1, 4n), row("b", 1, 4n), row("c", 1, 5n)], 1)).toEqual([]);
  expect(poller.wake(2)).toEqual([POLL]);
  expect(poller.rows([row("a", 2, 4n), row("b", 2, 5n)], 3)).toEqual([]);
  expect(poller.wake(4)).toEqual([POLL]);
  expect(poller.rows([row("b", 2, 5n)], 5)).toEqual([acknowledged(1)]);
});

test("rows that are not in its first poll are not waited for", () => {
  const poller = startPoller();
  poller.wait(1, 5n, 0);
  poller.rows([row("a", 1, 4n)], 1);
  poller.wake(2);
  expect(poller.rows([row("a", 2, 5n), row("later", 0, -1n)], 3)).toEqual([acknowledged(1)]);
});

test("a poll that was sent before the commit is not its first", () => {
  const poller = startPoller();
  poller.wait(1, 5n, 0);
  expect(poller.wait(2, 6n, 1)).toEqual([]);
  expect(poller.rows([], 2)).toEqual([acknowledged(1), POLL]);
  expect(poller.rows([], 3)).toEqual([acknowledged(2)]);
});

test("one poll serves all revokes that wait, each by its position", () => {
  const poller = startPoller();
  poller.wait(1, 5n, 0);
  poller.wait(2, 6n, 0);
  poller.wait(3, 7n, 0);
  poller.rows([row("a", 1, 6n)], 1);
  expect(poller.rows([row("a", 1, 6n)], 2)).toEqual([acknowledged(2)]);
  expect(poller.wake(3)).toEqual([POLL]);
  expect(poller.rows([row("a", 2, 7n)], 4)).toEqual([acknowledged(3)]);
});

test("a revoke is acknowledged when all leases have ended, whatever the rows say or do not say", () => {
  const poller = startPoller();
  poller.wait(1, 5n, 0);
  poller.rows([row("a", 1, 4n)], 1);
  for (let ms = poller.wakeAt(), n = 2; ms < 1_050; ms = poller.wakeAt(), n += 1) {
    expect(poller.wake(ms)).toEqual([POLL]);
    expect(poller.rows([row("a", n, 4n)], ms)).toEqual([]);
  }
  expect(poller.wakeAt()).toBe(1_050);
  expect(poller.wake(1_050)).toContainEqual(acknowledged(1));
});

test("a revoke is refused at its deadline", () => {
  const poller = startPoller();
  poller.wait(7, 5n, 0, 400);
  poller.rows([row("a", 1, 4n)], 1);
  expect(poller.wake(399)).not.toContainEqual(expect.objectContaining({ type: "settle" }));
  expect(poller.wake(400)).toContainEqual({ type: "settle", ticket: 7, isAcknowledged: false });
});

test("a row whose count does not change is deleted with that count, counted from the reply that first showed it", () => {
  const poller = startPoller();
  expect(poller.wake(10_000)).toEqual([POLL]);
  poller.rows([row("dead", 7, 4n), row("live", 1, 4n)], 10_200);
  expect(poller.wake(20_000)).toEqual([POLL]);
  expect(poller.rows([row("dead", 7, 4n), row("live", 40, 4n)], 20_010)).toEqual([drop("dead", 7)]);
  expect(poller.dropped(20_020)).toEqual([POLL]);
  expect(poller.rows([row("live", 40, 4n)], 20_030)).toEqual([]);
});

test("a row is not deleted before the wait is over on the clock of the poller", () => {
  const poller = startPoller();
  poller.wake(10_000);
  poller.rows([row("a", 7, 4n)], 10_200);
  poller.wait(1, 5n, 11_000);
  expect(poller.rows([row("a", 7, 4n)], 11_249)).toEqual([POLL]);
  expect(poller.rows([row("a", 7, 4n)], 11_250)).toEqual([drop("a", 7)]);
});

test("several rows are deleted one after the other, then polled again", () => {
  const poller = startPoller();
  poller.wake(10_000);
  poller.rows([row("a", 1, 0n), row("b", 2, 0n)], 10_001);
  poller.wake(20_000);
  expect(poller.rows([row("a", 1, 0n), row("b", 2, 0n)], 20_001)).toEqual([drop("a", 1)]);
  expect(poller.dropped(20_002)).toEqual([drop("b", 2)]);
  expect(poller.dropped(20_003)).toEqual([POLL]);
});

test("a row that cannot be deleted holds up no other, and is tried again after the wait", () => {
  const poller = startPoller();
  poller.wake(10_000);
  const rows = [row("stuck", 1, 0n), row("b", 2, 0n)];
  poller.rows(rows, 10_001);
  poller.wake(20_000);
  expect(poller.rows(rows, 20_001)).toEqual([drop("stuck", 1)]);
  expect(poller.receive({ type: "failed" }, 20_002)).toEqual([{ type: "disconnect" }]);
  expect(poller.wake(20_052)).toEqual([POLL]);
  expect(poller.rows(rows, 20_053)).toEqual([drop("b", 2)]);
  expect(poller.dropped(20_054)).toEqual([POLL]);
  expect(poller.rows(rows.slice(0, 1), 20_055)).toEqual([]);
  expect(poller.wake(40_000)).toEqual([POLL]);
  expect(poller.rows(rows.slice(0, 1), 40_001)).toEqual([drop("stuck", 1)]);
});

test("a poll without a reply destroys its connection and is sent again after a delay", () => {
  const poller = startPoller();
  poller.wait(1, 5n, 0);
  expect(poller.rows([row("a", 1, 4n)], 100)).toEqual([POLL]);
  expect(poller.wake(399)).toEqual([]);
  expect(poller.wake(400)).toEqual([{ type: "disconnect" }]);
  expect(poller.wake(449)).toEqual([]);
  expect(poller.wake(450)).toEqual([POLL]);
  expect(poller.receive({ type: "failed" }, 460)).toEqual([{ type: "disconnect" }]);
  expect(poller.wakeAt()).toBe(510);
});

test("the first poll on a connection has the time to connect, too", () => {
  const poller = startPoller();
  poller.wake(10_000);
  expect(poller.wakeAt()).toBe(11_000);
  poller.rows([], 10_900);
  poller.receive({ type: "failed" }, 15_000);
  poller.wake(20_000);
  expect(poller.wakeAt()).toBe(21_000);
});

test("polls become rarer while a revoke waits, and stop with it", () => {
  const poller = startPoller();
  poller.wait(1, 5n, 0);
  poller.rows([row("a", 1, 4n)], 0);
  let polls = 0;
  for (let ms = poller.wakeAt(), n = 2; ms < 1_050; ms = poller.wakeAt(), n += 1) {
    poller.wake(ms);
    poller.rows([row("a", n, 4n)], ms);
    polls += 1;
  }
  expect(polls).toBeLessThan(40);
  expect(poller.wake(1_050)).toEqual([acknowledged(1)]);
  expect(poller.wakeAt()).toBe(11_050);
});

test("messages that answer nothing change nothing", () => {
  const poller = startPoller();
  expect(poller.rows([row("a", 1, 0n)], 10)).toEqual([]);
  expect(poller.receive({ type: "failed" }, 10)).toEqual([]);
  expect(poller.wakeAt()).toBe(10_000);
});
