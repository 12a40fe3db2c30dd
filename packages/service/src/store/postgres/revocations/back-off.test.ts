import { expect, test } from "vitest";
import { freePort } from "../../../../../testkit/src/free-port.ts";
import { DEFAULT_LEASE_TIMES } from "../../lease/lease-times.ts";
import { connectionTo } from "../../../../../testkit/src/postgres-server.ts";
import { openConnection } from "../connection.ts";
import { createBackOff } from "./back-off.ts";
import { driveLease } from "./lease-driver.ts";

/** The delays after so many failures, at 0 ms each. */
function delays(backOff: ReturnType<typeof createBackOff>, count: number): readonly number[] {
  return Array.from({ length: count }, () => {
    backOff.failed();
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
    await expect.poll(() => failures, { timeout: 60_000 }).toBe(attempt + 1);
    const failedAt = now;
    expect(openedAt(failedAt + delayMs - 1)).toBe(attempt + 1);
    expect(openedAt(failedAt + delayMs)).toBe(attempt + 2);
  }
  await driver.stop();
});
