import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";

/** A response that makes undici keep the connection for 600 s. */
const KEPT = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=600\r\n\r\nok";
const IDLE_POOL_MS = 20;

test("an idle connection is kept and closed by the monotonic clock, whatever the time of day is set to", async () => {
  let elapsed = 1_000;
  let time = Date.UTC(2026, 0, 1);
  const sockets: Socket[] = [];
  await using target = await startRawTarget((socket) => {
    sockets.push(socket);
    rawResponder(KEPT)(socket);
  });
  await using service = await startTestService({
    limits: { upstreamPoolIdleMs: IDLE_POOL_MS },
    monotonic: () => elapsed,
    now: () => new Date(time),
  });
  const { token } = await exportTarget(service, { uri: target.url });
  for (const hours of [0, 1, -2]) {
    time += hours * 3_600_000;
    expect(await call(service, token)).toMatchObject({ status: 200 });
    // The service checks its connections many times meanwhile.
    await new Promise((resolve) => void setTimeout(resolve, 10 * IDLE_POOL_MS));
  }
  expect(sockets).toHaveLength(1);
  expect(sockets[0]!.readyState).toBe("open");
  elapsed += IDLE_POOL_MS;
  await expect.poll(() => sockets[0]!.destroyed).toBe(true);
});

test("a request ends after its time by the monotonic clock, whatever the time of day is set to", async () => {
  let elapsed = 1_000;
  let time = Date.UTC(2026, 0, 1);
  const requested = deferred<void>();
  await using target = await startRawTarget((socket) => void socket.once("data", () => requested.resolve()));
  await using service = await startTestService({
    limits: { invocationTimeoutMs: 20 },
    monotonic: () => elapsed,
    now: () => new Date(time),
  });
  const { token } = await exportTarget(service, { uri: target.url });
  let isOver = false;
  const response = call(service, token).finally(() => (isOver = true));
  await requested.promise;
  for (const hours of [1, -2]) {
    time += hours * 3_600_000;
    // The service looks at its requests twice meanwhile.
    await new Promise((resolve) => void setTimeout(resolve, 600));
  }
  expect(isOver).toBe(false);
  elapsed += 20;
  expect(await response).toMatchObject({ status: 504 });
});
