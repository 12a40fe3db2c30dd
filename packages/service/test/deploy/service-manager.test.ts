import { expect, test } from "vitest";
import { openNotifySocket } from "../../../testkit/src/notify-socket.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";

const POLL = { timeout: 60_000, interval: 20 };

const microseconds = (): bigint => process.hrtime.bigint() / 1000n;

test.each([1, 2])(
  "with %i process(es) a service says once that it is ready, then when it reads its certificate again, and when it stops",
  async (workers) => {
    await using directory = await temporaryDirectory();
    await using socket = await openNotifySocket();
    await using service = await spawnService(directory.path, {
      flags: ["--workers", String(workers)],
      env: { NOTIFY_SOCKET: socket.path },
    });
    await expect.poll(socket.received, POLL).toEqual(["READY=1"]);
    const before = microseconds();
    process.kill(service.pid, "SIGHUP");
    await expect.poll(socket.received, POLL).toHaveLength(3);
    const [, reloading = "", again] = socket.received();
    expect(again).toBe("READY=1");
    const [state, time] = reloading.split(" MONOTONIC_USEC=");
    expect(state).toBe("RELOADING=1");
    // Otherwise a manager would take it for an earlier reload, or for one that is still to come.
    expect(BigInt(time!)).toBeGreaterThanOrEqual(before);
    expect(BigInt(time!)).toBeLessThanOrEqual(microseconds());
    expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
    await expect.poll(socket.received, POLL).toEqual(["READY=1", reloading, "READY=1", "STOPPING=1"]);
  },
);

test("a service that cannot send its state to the service manager says so and serves", async () => {
  await using directory = await temporaryDirectory();
  await using service = await spawnService(directory.path, {
    env: { NOTIFY_SOCKET: "/nowhere/notify", PATH: "/nowhere" },
  });
  const warned = (): readonly unknown[] =>
    service.logged().filter(({ msg }) => msg === "service manager not notified");
  await expect.poll(warned, POLL).toMatchObject([{ level: "warn", cause: "ENOENT" }]);
  expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
});
