import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { call, createMembrane, expectStatus } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { until } from "../../../testkit/src/until.ts";
import { createFaultyDisk } from "../support/disk/faulty-disk.ts";

/* A backup holds the store as it was at one moment: a prefix of what was done. */

const WRITERS = 4;

/** A change that was acknowledged, and how a store shows that it has it. */
interface Change {
  readonly name: string;
  /** Times of the monotonic clock. */
  readonly began: number;
  readonly ended: number;
  isIn(service: ServiceProcess): Promise<boolean>;
}

/** Creates membranes and revokes every other one, until it is over or the service is killed. */
async function writeUntil(
  isOver: () => boolean,
  service: ServiceProcess,
  create: string,
  name: string,
  changes: Change[],
): Promise<void> {
  const note = async <T>(
    what: string,
    change: Promise<T>,
    isIn: (result: T) => Change["isIn"],
  ): Promise<T> => {
    const began = performance.now();
    const result = await change;
    changes.push({ name: what, began, ended: performance.now(), isIn: isIn(result) });
    return result;
  };
  for (let i = 0; !isOver(); i += 1) {
    const id = `${name}-${i}`;
    const made = await note(
      `create ${id}`,
      createMembrane(service, create, id),
      ({ revoke }) =>
        // It outlives the membrane, and takes no PUT.
        async (restored) =>
          (await call(restored, revoke, { method: "PUT" })).status === 405,
    );
    if (i % 2 === 0) continue;
    const revoking = call(service, made.revoke).then((response) => expectStatus(response, 202));
    await note(`revoke ${id}`, revoking, () => async (restored) => {
      const isThere = (await call(restored, made.revoke, { method: "PUT" })).status === 405;
      return isThere && (await call(restored, made.export, { body: {} })).status === 401;
    });
  }
}

function startWriters(
  service: ServiceProcess,
  create: string,
  name: string,
  changes: Change[],
): { stop(): Promise<void> } {
  let isOver = false;
  const writers = Array.from({ length: WRITERS }, (_, number) =>
    writeUntil(() => isOver, service, create, `${name}-${number}`, changes),
  );
  const ended = Promise.allSettled(writers);
  return {
    async stop() {
      isOver = true;
      await ended;
    },
  };
}

/** What a restored backup has, and what it does not. */
async function split(backup: string, data: string, changes: readonly Change[]) {
  await using directory = await temporaryDirectory();
  const restored = join(directory.path, "restored");
  await mkdir(restored, { mode: 0o700 });
  await copyFile(join(data, "service.key"), join(restored, "service.key"));
  expect(await runMembrane(["restore", backup, "--data", restored])).toMatchObject({ code: 0 });
  await using service = await spawnService(restored);
  const [present, absent]: [Change[], Change[]] = [[], []];
  for (const change of changes) ((await change.isIn(service)) ? present : absent).push(change);
  return { present, absent };
}

/** Checks that there is a moment before which everything is in a backup, and after which nothing is. */
function expectPrefix(
  { present, absent }: Awaited<ReturnType<typeof split>>,
  { began, ended }: { readonly began: number; readonly ended: number },
): void {
  const lastBegun = Math.max(...present.map((change) => change.began));
  expect(absent.filter((change) => change.ended < lastBegun).map(({ name }) => name)).toEqual([]);
  expect(absent.filter((change) => change.ended < began).map(({ name }) => name)).toEqual([]);
  expect(present.filter((change) => change.began > ended).map(({ name }) => name)).toEqual([]);
  expect([present.length > 0, absent.length > 0]).toEqual([true, true]);
}

test("a backup that is made while clients create and revoke holds exactly what was done up to one moment", async () => {
  await using data = await initDataDirectory();
  await using directory = await temporaryDirectory();
  await using service = await spawnService(data.path);
  const changes: Change[] = [];
  const writers = startWriters(service, data.tokens.create, "m", changes);
  const backups: { readonly path: string; readonly began: number; readonly ended: number }[] = [];
  for (let i = 0; i < 3; i += 1) {
    const count = changes.length;
    await until("clients write", () => changes.length > count + 2 * WRITERS);
    const path = join(directory.path, `backup-${i}`);
    const began = performance.now();
    expect(await runMembrane(["backup", path, "--data", data.path])).toMatchObject({ code: 0 });
    backups.push({ path, began, ended: performance.now() });
  }
  const count = changes.length;
  await until("clients write after the last backup", () => changes.length > count + 2 * WRITERS);
  await writers.stop();
  for (const { path, ...time } of backups) expectPrefix(await split(path, data.path, changes), time);
});

test("a backup that is being copied while the service is killed, starts again and writes holds what was done before it began", async () => {
  await using disk = await createFaultyDisk();
  await using data = await initDataDirectory();
  await using directory = await temporaryDirectory();
  const changes: Change[] = [];
  const first = await spawnService(data.path);
  const before = startWriters(first, data.tokens.create, "before", changes);
  await until("clients write", () => changes.length > 4 * WRITERS);
  const path = join(directory.path, "backup");
  const held = disk.add({ calls: ["write", "head"], of: `${path}/store/data.mdb`, action: { kind: "hold" } });
  const began = performance.now();
  const backup = runMembrane(["backup", path, "--data", data.path], disk.env);
  await until("the backup copies", () => held.hits() > 0);
  const ended = performance.now();
  const count = changes.length;
  await until("clients write while it copies", () => changes.length > count + 2 * WRITERS);
  await first.end("SIGKILL");
  await before.stop();
  await using second = await spawnService(data.path);
  const after = startWriters(second, data.tokens.create, "after", changes);
  await until("clients write again", () => changes.some(({ name }) => name.includes("after")));
  await after.stop();
  held[Symbol.dispose]();
  expect(await backup).toMatchObject({ code: 0 });
  expectPrefix(await split(path, data.path, changes), { began, ended });
});
