import { expect, test } from "vitest";
import { createDelayedLog } from "../../../testkit/src/delayed-log.ts";
import { lineageOver } from "../../../testkit/src/lineage.ts";
import { parseUid } from "../domain/uid.ts";
import { DEFAULT_LIMITS } from "../service-limits.ts";
import type { Store } from "../store/store.ts";
import { StoreBusyError } from "../store/store.ts";
import type { EventLog } from "../telemetry/events.ts";
import { startRevocationMonitor } from "./revocation-monitor.ts";

const A = parseUid("a".repeat(32));
const B = parseUid("b".repeat(32));

async function start() {
  const log = createDelayedLog();
  const seen = { sweeps: 0, faults: 0 };
  const sweep = async () => {
    seen.sweeps += 1;
    return { deleted: 0, more: false };
  };
  const monitor = await startRevocationMonitor(
    DEFAULT_LIMITS,
    {
      store: { ...log, sweep } as unknown as Store,
      log: { fault: () => (seen.faults += 1) } as unknown as EventLog,
      now: () => new Date(),
    },
    () => 0,
  );
  const [ofA, ofB] = [
    monitor.inFlightRegistry.register(lineageOver(A)),
    monitor.inFlightRegistry.register(lineageOver(B)),
  ];
  // The sweep at the start is over.
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  return { log, seen, monitor, states: () => [ofA.isRevoked, ofB.isRevoked] };
}

test("a revoke by this process ends the requests that it names before the next poll, and starts the sweep", async () => {
  const { log, seen, monitor, states } = await start();
  log.revoke(A);
  monitor.revoked();
  await log.respondToAll();
  expect(states()).toEqual([true, false]);
  await expect.poll(() => seen).toEqual({ sweeps: 2, faults: 0 });
  await monitor.close();
});

test("a revoke whose entry cannot be read ends all requests in flight", async () => {
  const { log, seen, monitor, states } = await start();
  log.revoke(A);
  monitor.revoked();
  await log.failFirst(new Error("the store is gone"));
  expect(states()).toEqual([true, true]);
  expect(seen.faults).toBe(1);
  await monitor.close();
});

test("a revoke whose entry a store out of reach does not give ends all requests, and is not a fault of the program", async () => {
  const { log, seen, monitor, states } = await start();
  log.revoke(A);
  monitor.revoked();
  await log.failFirst(new StoreBusyError("no lease is in force"));
  expect(states()).toEqual([true, true]);
  expect(seen.faults).toBe(0);
  await monitor.close();
});

test("closing ends all requests in flight, and starts no further sweep", async () => {
  const { seen, monitor, states } = await start();
  await monitor.close();
  expect(states()).toEqual([true, true]);
  monitor.revoked();
  expect(seen.sweeps).toBe(1);
});
