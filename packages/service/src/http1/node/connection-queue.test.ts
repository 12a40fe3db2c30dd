import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { deferred } from "../../../../testkit/src/deferred.ts";
import type { PipelineLimits } from "../listener.ts";
import type { NodeExchange } from "./connection-queue.ts";
import { createConnectionQueue } from "./connection-queue.ts";
import { createPipelineBudget } from "../shared/pipeline-budget.ts";
import { NodeResponse } from "./response.ts";

const LIMITS: PipelineLimits = { perConnection: 100, bytes: 1_000_000 };

function createTestQueue(limits: Partial<PipelineLimits> = {}) {
  const closed: string[] = [];
  const events = { onError: () => undefined, onOverflow: () => void closed.push("closed") };
  return Object.assign(createConnectionQueue(createPipelineBudget({ ...LIMITS, ...limits }), events), {
    closed,
  });
}

function exchangeOn(socket: Socket): NodeExchange {
  const request = new IncomingMessage(socket);
  [request.httpVersionMajor, request.httpVersionMinor] = [1, 1];
  return { request, response: new NodeResponse(request) };
}

/** An exchange whose response was sent, or never will be. */
function finishedOn(socket: Socket): NodeExchange {
  const exchanged = exchangeOn(socket);
  exchanged.response.destroy();
  return exchanged;
}

test("the requests of one connection run one after the other, even after a failure; other connections do not wait", async () => {
  const inTurn = createTestQueue();
  const one = new Socket();
  const first = deferred<void>();
  const seen: string[] = [];
  const acts = [
    inTurn(finishedOn(one), async () => {
      seen.push("first");
      await first.promise;
      throw new Error("the first failed");
    }),
    inTurn(finishedOn(one), async () => void seen.push("second")),
    inTurn(finishedOn(one), async () => void seen.push("third")),
    inTurn(finishedOn(new Socket()), async () => void seen.push("other")),
  ];
  await acts[3];
  expect(seen).toEqual(["first", "other"]);
  first.resolve();
  await expect(acts[0]).rejects.toThrow("the first failed");
  await Promise.all(acts.slice(1));
  expect(seen).toEqual(["first", "other", "second", "third"]);
});

test("a request waits until the response before it was sent, even if the task before it has ended", async () => {
  const inTurn = createTestQueue();
  const socket = new Socket();
  const unsent = exchangeOn(socket);
  const seen: string[] = [];
  await inTurn(unsent, async () => undefined);
  const second = inTurn(finishedOn(socket), async () => void seen.push("second"));
  await inTurn(finishedOn(new Socket()), async () => undefined);
  expect(seen).toEqual([]);
  unsent.response.destroy();
  unsent.response.emit("close");
  await second;
  expect(seen).toEqual(["second"]);
});

test("all that wait until no request is in flight go on then, and not before", async () => {
  const inTurn = createTestQueue();
  const [first, second] = [deferred<void>(), deferred<void>()];
  const socket = new Socket();
  const turns = [
    inTurn(finishedOn(socket), () => first.promise),
    inTurn(finishedOn(socket), () => second.promise),
  ];
  let idle = 0;
  const waits = [inTurn.idle(), inTurn.idle()].map((wait) => wait.then(() => (idle += 1)));
  first.resolve();
  await turns[0];
  await promisedTick();
  expect(idle).toBe(0);
  second.resolve();
  await Promise.all([...turns, ...waits]);
  expect(idle).toBe(2);
  await inTurn.idle();
});

test("a request whose connection has ended meanwhile is not carried out", async () => {
  const inTurn = createTestQueue();
  const socket = new Socket();
  const first = deferred<void>();
  let isDone = false;
  const turns = [
    inTurn(finishedOn(socket), () => first.promise),
    inTurn(finishedOn(socket), async () => void (isDone = true)),
  ];
  socket.destroy();
  first.resolve();
  await Promise.all(turns);
  expect(isDone).toBe(false);
});

test("a connection is not read while the most requests wait that may, and is read again when half of them are done", async () => {
  const inTurn = createTestQueue({ perConnection: 4 });
  const socket = new Socket();
  const ends = Array.from({ length: 6 }, () => deferred<void>());
  const turns: Promise<void>[] = [];
  const paused: boolean[] = [];
  for (const end of ends.slice(0, 5)) {
    turns.push(inTurn(finishedOn(socket), () => end.promise));
    paused.push(inTurn.isPaused(socket));
  }
  expect(paused).toEqual([false, false, false, false, true]);
  // Node resumes a socket when a body is dropped.
  socket.resume();
  await promisedTick();
  expect(socket.isPaused()).toBe(true);
  ends[0]?.resolve();
  await turns[0];
  await promisedTick();
  expect(inTurn.isPaused(socket)).toBe(true);
  ends[1]?.resolve();
  await turns[1];
  await promisedTick();
  expect(inTurn.isPaused(socket)).toBe(false);
  expect(socket.isPaused()).toBe(false);
  socket.destroy();
  ends.forEach((end) => end.resolve());
  await Promise.all(turns);
});

test("when the memory for waiting requests is used up, only a connection that has more than its reserve is closed", async () => {
  const inTurn = createTestQueue({ bytes: 30_000 });
  const first = deferred<void>();
  const all: Promise<void>[] = [];
  const [greedy, modest] = [new Socket(), new Socket()];
  const send = (socket: Socket, count: number): void => {
    for (let at = 0; at < count; at += 1) all.push(inTurn(finishedOn(socket), () => first.promise));
  };
  send(greedy, 14);
  expect(greedy.destroyed).toBe(false);
  send(modest, 7);
  expect(modest.destroyed).toBe(false);
  send(greedy, 2);
  expect(greedy.destroyed).toBe(true);
  expect(inTurn.closed).toEqual(["closed"]);
  first.resolve();
  await Promise.all(all);
  // All of the budget was released.
  send(new Socket(), 14);
  expect(inTurn.closed).toEqual(["closed"]);
  await inTurn.idle();
});

test("requests that wait for nothing leave each turn of the event loop to others after a few, and those of a closed connection are given up at once", async () => {
  const inTurn = createTestQueue({ bytes: 100_000_000 });
  const count = 1_000;
  const sent = async (socket: Socket): Promise<void> => {
    const all = Array.from({ length: count }, () => inTurn(finishedOn(socket), async () => undefined));
    await Promise.all(all);
  };
  const turnsUntil = async (end: Promise<void>): Promise<number> => {
    const over = end.then(() => true);
    let turns = 0;
    while (!(await Promise.race([over, promisedTick().then(() => false)]))) turns += 1;
    return turns;
  };
  expect(await turnsUntil(sent(new Socket()))).toBeGreaterThan(count / 32);
  const closed = new Socket();
  const given = sent(closed);
  closed.destroy();
  expect(await turnsUntil(given)).toBeLessThan(5);
});

function promisedTick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
