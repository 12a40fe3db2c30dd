import { expect, test } from "vitest";
import { freePort } from "../../../../../testkit/src/free-port.ts";
import { DEFAULT_LEASE_TIMES } from "../../lease/lease-times.ts";
import { connectionTo } from "../../../../../testkit/src/postgres-server.ts";
import { openConnection } from "../connection.ts";
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
    DEFAULT_LEASE_TIMES,
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
