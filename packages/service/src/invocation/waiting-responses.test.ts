import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Uid } from "../domain/uid.ts";
import { NodeResponse } from "../http1/node/response.ts";
import { createAccountRegistry } from "./usage-accounts.ts";
import type { WaitingResponse } from "./waiting-responses.ts";
import { createWaitingResponses } from "./waiting-responses.ts";

const LIMIT = 1_200;
/** What a capability gets of it when nothing else waits. */
const SHARE = 400;

function open() {
  const ledger = createAccountRegistry();
  const waiting = createWaitingResponses(LIMIT, ledger);
  const evicted: string[] = [];
  const all = new Set<Made>();
  type Made = WaitingResponse & { bufferedBytes: number; readonly response: NodeResponse };
  const make = (name: string, bytes: number, by: { capability: string; tenant: string }): Made => {
    const response = new NodeResponse(new IncomingMessage(new Socket()));
    const made: Made = {
      response,
      bufferedBytes: bytes,
      reservation: undefined,
      accounts: ledger.accountsOf({
        capabilities: [...by.capability] as Uid[],
        tenants: [by.tenant as Uid],
      }),
      evict() {
        evicted.push(name);
        response.destroy();
      },
    };
    all.add(made);
    return made;
  };
  const wait = async (name: string, bytes: number, capability: string, tenant: string): Promise<Made> => {
    const made = make(name, bytes, { capability, tenant });
    waiting.watch(made);
    await setImmediate();
    return made;
  };
  const inAll = (): number => [...all].reduce((sum, { reservation }) => sum + (reservation?.bytes ?? 0), 0);
  return { waiting, evicted, wait, inAll };
}

test("a capability that has used up its share loses the response that has waited longest, and no other one does", async () => {
  const { wait, evicted } = open();
  await wait("other tenant's", 100, "x", "u");
  await wait("other capability's", 100, "b", "t");
  for (let i = 0; i < 5; i += 1) await wait(`${i}`, 100, "a", "t");
  expect(evicted).toEqual(["0", "1"]);
});

test("re-exports of a capability have its share together", async () => {
  const { wait, evicted } = open();
  for (const [i, again] of ["ba", "ca", "da", "ea", "fa"].entries()) await wait(`${i}`, 100, again, `${i}`);
  expect(evicted).toEqual(["0"]);
});

test("a tenant that uses many capabilities has at most a half, and loses its own longest waiting response", async () => {
  const { wait, evicted, inAll } = open();
  await wait("other's", 100, "0", "u");
  for (const capability of "abcdefghijkl") await wait(capability, 100, capability, "t");
  expect(evicted).toEqual([..."abcdefg"]);
  expect(inAll()).toBe(600);
});

test("where a newcomer has nothing to give up, the tenant that has most loses what has waited longest", async () => {
  const { wait, evicted } = open();
  for (const capability of "abcde") await wait(capability, 100, capability, "t");
  for (const capability of "fgh") await wait(capability, 100, capability, "u");
  await wait("newcomer", 150, "n", "v");
  expect(evicted).toEqual(["a"]);
});

test("a response that its client takes in the same turn of the event loop is not counted, and one that is watched twice is counted once", async () => {
  const { waiting, wait, inAll } = open();
  await wait("taken", 0, "a", "t");
  expect(inAll()).toBe(0);
  const again = await wait("again", 100, "a", "t");
  waiting.watch(again);
  await setImmediate();
  expect(inAll()).toBe(100);
});

test("a response whose client takes everything now and then has not waited long, and leaves no listeners", async () => {
  const { waiting, wait, evicted } = open();
  const reading = await wait("reading", 100, "a", "t");
  for (let i = 0; i < 12; i += 1) {
    waiting.release(reading);
    waiting.watch(reading);
    await wait(`${i}`, 100, "a", "t");
  }
  expect(evicted).not.toContain("reading");
  expect(evicted).toHaveLength(9);
  expect(reading.response.listenerCount("close")).toBe(1);
});

test("one that alone is more than a share is aborted", async () => {
  const { wait, evicted } = open();
  await wait("large", SHARE + 1, "a", "t");
  expect(evicted).toEqual(["large"]);
});

test("what waits is never more than the limit, and once all are closed the budget is whole", async () => {
  const step = fc.record({
    bytes: fc.integer({ min: 1, max: 300 }),
    capability: fc.nat(7),
    end: fc.constantFrom("stays", "closed", "taken"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { waiting, wait, evicted, inAll } = open();
      const all = [];
      for (const { bytes, capability, end } of steps) {
        const made = await wait("", bytes, String(capability), String(capability % 4));
        expect(inAll()).toBeLessThanOrEqual(LIMIT);
        if (end === "closed") made.response.emit("close");
        if (end === "taken") waiting.release(made);
        all.push(made);
      }
      for (const { response } of all) response.emit("close");
      const before = evicted.length;
      await wait("whole", SHARE, "0", "0");
      expect([inAll(), evicted.length]).toEqual([SHARE, before]);
    }),
    { numRuns: 50 },
  );
});
