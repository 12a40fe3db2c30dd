import { rename } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readTrail } from "../../../testkit/src/audit-trail.ts";
import { call, createMembrane, exportThrough, expectStatus } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { until } from "../../../testkit/src/until.ts";
import type { ActiveRule } from "../support/disk/faulty-disk.ts";
import { createFaultyDisk } from "../support/disk/faulty-disk.ts";

/* A disk of the audit trail that takes long for a flush: the test ends it. */

/** A service with a trail that is required, with all invocations in it, and a capability for the target. */
async function startAudited(target: TestTarget) {
  const directory = await temporaryDirectory();
  const disk = await createFaultyDisk();
  const data = join(directory.path, "data");
  const file = join(directory.path, "audit.log");
  const flags = ["--audit", file, "--audit-required", "--audit-invocations", "1"];
  const start = () => spawnService(data, { flags, env: disk.env });
  const service = await start();
  const { create } = await firstTokens(data);
  const { revoke, ...membrane } = await createMembrane(service, create, "m");
  return {
    file,
    service,
    start,
    create,
    revoke,
    token: await exportThrough(service, membrane.export, { uri: target.url }),
    verify: (...files: readonly string[]) => runMembrane(["audit", "verify", "--data", data, ...files]),
    holdFlushes: (of: string): ActiveRule => disk.add({ calls: ["flush"], of, action: { kind: "hold" } }),
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await disk[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

const REFUSED = { status: 503, json: { code: "audit_unavailable" } };

test("while a flush of a required trail hangs, what is to be recorded is refused, invocations too, and no revoke; and again allowed when it ends", async () => {
  await using target = await startTarget();
  await using audited = await startAudited(target);
  const { service, token, create, revoke } = audited;
  const invoke = async (): Promise<number> => (await call(service, token)).status;
  const other = await createMembrane(service, create, "other");
  {
    using held = audited.holdFlushes("/audit.log");
    expect(await invoke()).toBe(200);
    await expect.poll(held.hits).toBe(1);
    await expect.poll(invoke).toBe(503);
    const sent = target.requests.length;
    expect(await call(service, token)).toMatchObject(REFUSED);
    expect(await call(service, create, { body: { id: "n" } })).toMatchObject(REFUSED);
    expect(target.requests).toHaveLength(sent);
    expectStatus(await call(service, other.revoke), 202);
    expect(held.hits()).toBe(1);
  }
  await expect.poll(invoke).toBe(200);
  expectStatus(await call(service, create, { body: { id: "n" } }), 201);
  expectStatus(await call(service, revoke), 202);
  const states = service.logged().filter(({ msg }) => msg === "audit trail");
  expect(states).toMatchObject([{ state: "failing", cause: "ETIMEDOUT" }, { state: "written" }]);
  expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  const { code, stdout } = await audited.verify(audited.file);
  expect(code, stdout).toBe(0);
});

test("a file of a required trail that was moved away is flushed before what follows in the next one, holds back nothing else, and a kill meanwhile loses nothing", async () => {
  await using target = await startTarget();
  await using audited = await startAudited(target);
  const { service, file, token, create } = audited;
  const moved = `${file}.1`;
  await rename(file, moved);
  // In the file that was moved, and not flushed.
  expectStatus(await call(service, token), 200);
  const held = audited.holdFlushes(moved);
  process.kill(service.pid, "SIGHUP");
  await until("the file is opened again", () =>
    service.logged().some(({ msg }) => msg === "audit trail reopened"),
  );
  expectStatus(await call(service, undefined, { path: "/readyz" }), 200);
  expectStatus(await call(service, token), 200);
  await expect.poll(held.hits).toBe(1);
  const next = audited.holdFlushes(file);
  const creating = call(service, create, { body: { id: "n" } }).catch(() => "ended");
  await until("the change is in the next file", async () =>
    (await readTrail(file)).some(({ event, action }) => event === "begin" && action === "create"),
  );
  expect([held.hits(), next.hits()]).toEqual([1, 0]);
  const { length } = await readTrail(moved, file);
  await service.end("SIGKILL");
  expect(await creating).not.toMatchObject({ status: 201 });
  held[Symbol.dispose]();
  next[Symbol.dispose]();
  await using again = await audited.start();
  expectStatus(await call(again, create, { body: { id: "n" } }), 201);
  expect((await readTrail(moved, file)).length).toBeGreaterThan(length);
  const { code, stdout } = await audited.verify(moved, file);
  expect(code, stdout).toBe(0);
});
