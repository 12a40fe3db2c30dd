import { randomUUID } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { freePort } from "../../../../../testkit/src/free-port.ts";
import { DEFAULT_LEASE_TIMES, withLeaseMs } from "../../lease/lease-times.ts";
import { connectionTo } from "../../../../../testkit/src/postgres-server.ts";
import type { Connection } from "../connection.ts";
import { openConnection } from "../connection.ts";
import type { Row } from "../sql-values.ts";
import { SQLSTATE } from "../sqlstate.ts";
import type { BackOff } from "./back-off.ts";
import { createBackOff } from "./back-off.ts";
import { driveLease } from "./lease-driver.ts";
import { drivePoller } from "./poller-driver.ts";

/** The delays after so many failures, at 0 ms each. */
function delays(backOff: BackOff, count: number, error?: unknown): readonly number[] {
  return Array.from({ length: count }, () => {
    backOff.failed(error);
    return backOff.notBefore;
  });
}

test("the delay doubles with each failure up to a second, and a reply makes it the first again", () => {
  const backOff = createBackOff(50, () => 0);
  expect(backOff.notBefore).toBe(-Infinity);
  expect(delays(backOff, 7)).toEqual([50, 100, 200, 400, 800, 1_000, 1_000]);
  backOff.replied();
  expect(backOff.notBefore).toBe(-Infinity);
  expect(delays(backOff, 2)).toEqual([50, 100]);
});

test("a first delay above a second is never made shorter", () => {
  expect(
    delays(
      createBackOff(1_500, () => 0),
      2,
    ),
  ).toEqual([1_500, 1_500]);
});

test("attempts whose user or password the server refuses, which may lock the account, come up to a minute apart", () => {
  const refused = Object.assign(new Error("refused"), { code: SQLSTATE.invalidPassword });
  const backOff = createBackOff(2_500, () => 0);
  expect(delays(backOff, 6, refused)).toEqual([2_500, 5_000, 10_000, 20_000, 40_000, 60_000]);
  expect(delays(backOff, 1, refused)).toEqual([60_000]);
  expect(delays(backOff, 1)).toEqual([2_500]);
});

test("a node that gets no reply connects less and less often, however often it is notified", async () => {
  const config = { ...(await connectionTo("postgres")), port: await freePort() };
  let [now, opened, failures] = [0, 0, 0];
  const ignore = (): void => undefined;
  const driver = driveLease(
    (events) => {
      opened += 1;
      return openConnection(config, 1_000, events);
    },
    {
      apply: ignore,
      restart: ignore,
      hold: ignore,
      release: ignore,
      alarm: ignore,
      failed: () => (failures += 1),
    },
    { times: DEFAULT_LEASE_TIMES, formatDigest: "" },
    { monotonic: () => now, wall: () => now },
  );
  const openedAt = (time: number): number => {
    now = time;
    driver.notify();
    return opened;
  };
  for (const [attempt, delayMs] of [50, 100, 200, 400, 800, 1_000, 1_000].entries()) {
    await expect.poll(() => failures).toBe(attempt + 1);
    const failedAt = now;
    expect(openedAt(failedAt + delayMs - 1)).toBe(attempt + 1);
    expect(openedAt(failedAt + delayMs)).toBe(attempt + 2);
  }
  await driver.stop();
});

test("revokes whose password is refused connect less and less often, however many of them wait", async () => {
  const config = { ...(await connectionTo("postgres")), password: "another" };
  let [now, opened, failures] = [0, 0, 0];
  const driver = drivePoller(
    (events) => {
      opened += 1;
      const connection = openConnection(config, 1_000, events);
      const execute: typeof connection.execute = (...statement) =>
        connection.execute(...statement).finally(() => (failures += 1));
      return { ...connection, execute };
    },
    DEFAULT_LEASE_TIMES,
    1_000_000,
    () => now,
  );
  const revokes: Promise<void>[] = [];
  const openedAt = (time: number): number => {
    now = time;
    revokes.push(driver.wait(1n));
    return opened;
  };
  expect(openedAt(0)).toBe(1);
  for (const [attempt, delayMs] of [50, 100, 200, 400, 800, 1_600].entries()) {
    await expect.poll(() => failures).toBe(attempt + 1);
    const failedAt = now;
    expect(openedAt(failedAt + delayMs - 1)).toBe(attempt + 1);
    expect(openedAt(failedAt + delayMs)).toBe(attempt + 2);
  }
  // Each of them ends by the length of a lease alone.
  now += 10_000;
  await Promise.all(revokes);
  await driver.close();
});

/** Connections on which each statement has the next one of these outcomes, and the last one from then on. */
function createTestConnections(outcomes: readonly (readonly Row[] | Error)[]) {
  let sent = 0;
  const used: Partial<Connection> = {
    async execute() {
      const outcome = outcomes[Math.min(sent, outcomes.length - 1)];
      sent += 1;
      if (outcome instanceof Error) throw outcome;
      return outcome ?? [];
    },
    abandon: () => undefined,
    close: async () => undefined,
  };
  return { open: () => used as Connection, sent: () => sent };
}

const FAILURE = new Error("no reply");

test("a node whose attempt had a reply waits after the next failure as after the first one", async () => {
  const head = [{ position: 0, tag: randomUUID() }];
  const { open, sent } = createTestConnections([FAILURE, FAILURE, FAILURE, head, FAILURE, []]);
  let now = 0;
  const ignore = (): void => undefined;
  const listener = { apply: ignore, restart: ignore, hold: ignore, release: ignore, alarm: ignore };
  const clocks = { monotonic: () => now, wall: () => now };
  const driver = driveLease(
    open,
    { ...listener, failed: ignore },
    { times: DEFAULT_LEASE_TIMES, formatDigest: "" },
    clocks,
  );
  const sentAt = async (time: number): Promise<number> => {
    await turn();
    now = time;
    driver.notify();
    await turn();
    return sent();
  };
  expect([await sentAt(49), await sentAt(50)]).toEqual([1, 2]);
  expect([await sentAt(149), await sentAt(150)]).toEqual([2, 3]);
  // It learns where the log ends, and fails to join.
  expect([await sentAt(349), await sentAt(350)]).toEqual([3, 5]);
  expect(await sentAt(399)).toBe(5);
  expect(await sentAt(400)).toBeGreaterThan(5);
  await driver.stop();
});

test("revokes of which an attempt had a reply wait after the next failure as after the first one", async () => {
  const noNodes = [{ is_standby: false, node: null }];
  const { open, sent } = createTestConnections([FAILURE, FAILURE, FAILURE, noNodes, FAILURE, noNodes]);
  let now = 0;
  const driver = drivePoller(open, DEFAULT_LEASE_TIMES, 1_000_000, () => now);
  const revokes: Promise<void>[] = [];
  const sentAt = async (time: number): Promise<number> => {
    now = time;
    revokes.push(driver.wait(1n));
    await turn();
    return sent();
  };
  expect(await sentAt(0)).toBe(1);
  expect([await sentAt(49), await sentAt(50)]).toEqual([1, 2]);
  expect([await sentAt(149), await sentAt(150)]).toEqual([2, 3]);
  expect([await sentAt(349), await sentAt(350)]).toEqual([3, 4]);
  expect(await sentAt(351)).toBe(5);
  expect([await sentAt(400), await sentAt(401)]).toEqual([5, 6]);
  await Promise.all(revokes);
  await driver.close();
});

/** A revoke waits for longer than a few late replies. */
const LONG_LEASES = withLeaseMs(DEFAULT_LEASE_TIMES, 60_000);

/** Drives with connections on which no reply comes for five seconds. @returns how long after each statement the next one was sent. */
async function gapsWithoutReply(
  drive: (open: () => Connection, monotonic: () => number) => void,
): Promise<readonly number[]> {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "performance"],
  });
  try {
    const sentAt: number[] = [];
    const used: Partial<Connection> = {
      execute() {
        sentAt.push(performance.now());
        return new Promise(() => undefined);
      },
      abandon: () => undefined,
    };
    drive(
      () => used as Connection,
      () => performance.now(),
    );
    await vi.advanceTimersByTimeAsync(5_000);
    // Each turn of the event loop takes a millisecond of these timers.
    return sentAt.slice(1).map((time, index) => 10 * Math.floor((time - sentAt[index]!) / 10));
  } finally {
    vi.useRealTimers();
  }
}

/** The time for a connection and its first reply, and then twice as long as before. */
const LATE_GAPS = [50, 100, 200, 400].map((delayMs) => LONG_LEASES.leaseConnectTimeoutMs + delayMs);

test("a reply that is late is a failure, to a node, which says so, and to revokes", async () => {
  const failures: unknown[] = [];
  const ignore = (): void => undefined;
  const listener = { apply: ignore, restart: ignore, hold: ignore, release: ignore, alarm: ignore };
  const ofNode = await gapsWithoutReply((open, monotonic) => {
    const failed = (error: unknown): number => failures.push(error);
    const terms = { times: LONG_LEASES, formatDigest: "" };
    driveLease(open, { ...listener, failed }, terms, { monotonic, wall: monotonic });
  });
  expect(ofNode.slice(0, 4)).toEqual(LATE_GAPS);
  expect(failures[0]).toMatchObject({ code: "ETIMEDOUT" });
  const ofRevokes = await gapsWithoutReply((open, monotonic) => {
    void drivePoller(open, LONG_LEASES, 1_000_000, monotonic).wait(1n);
  });
  expect(ofRevokes.slice(0, 4)).toEqual(LATE_GAPS);
});
