import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readdir, readFile, rename, utimes } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { call, createMembrane, expectStatus } from "../../../testkit/src/client.ts";
import { firstTokens, initDataDirectory } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";

/* Tests which files a killed first start or restore leaves in the data directory, and which command removes them. */

/** Makes JavaScript that sends the process a signal when it calls a function of `node:fs/promises` under a condition. */
function signalAt(name: string, condition: string, { signal = "SIGKILL", before = "" } = {}): string {
  return `
    import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    const original = fs.promises[${JSON.stringify(name)}];
    let isOver = false;
    fs.promises[${JSON.stringify(name)}] = async (...args) => {
      if (!isOver && ${condition}) {
        isOver = true;
        ${before};
        process.kill(process.pid, ${JSON.stringify(signal)});
      }
      return original(...args);
    };
    syncBuiltinESMExports();`;
}

const preload = (script: string) => ({
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}`,
});

/** Lists files and directories with temporary names. */
const leftovers = async (data: string): Promise<readonly string[]> =>
  (await readdir(data)).filter((name) => name.endsWith(".tmp"));

const removals = (service: ServiceProcess): readonly (string | undefined)[] =>
  service
    .logged()
    .filter(({ msg }) => msg === "removed what a killed process left")
    .map(({ path }) => path);

/** Resolves when a process is stopped. */
async function isStopped(pid: number): Promise<void> {
  await expect.poll(() => readFile(`/proc/${pid}/stat`, "utf8")).toMatch(/^\d+ \(.*\) T /);
}

function endIfRunning(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

const STAGED = "first-capabilities.json.";

/** Moments at which the file is staged, completely or in part, and the tenant is not stored. */
const BEFORE_COMMIT = [
  [
    "while it writes the capabilities",
    "open",
    `args[0].includes("/${STAGED}")`,
    'fs.writeFileSync(args[0], "{")',
  ],
  [
    "before the tenant is stored",
    "open",
    `fs.statSync(args[0], { throwIfNoEntry: false })?.isDirectory() && fs.readdirSync(args[0]).some((name) => name.startsWith("${STAGED}"))`,
    "",
  ],
] as const;

const BEFORE_PLACING = 'args[1].endsWith("/first-capabilities.json")';

test.each(BEFORE_COMMIT)(
  "a first start that is killed %s leaves a file that the next one removes, which then makes the tenant",
  async (_when, name, condition, before) => {
    await using directory = await temporaryDirectory();
    const data = join(directory.path, "data");
    await expect(spawnService(data, { env: preload(signalAt(name, condition, { before })) })).rejects.toThrow(
      "ended before it was ready",
    );
    const left = await leftovers(data);
    expect(left).toEqual([expect.stringMatching(/^first-capabilities\.json\.[0-9a-f]{16}\.tmp$/)]);
    await using service = await spawnService(data);
    expect(await leftovers(data)).toEqual([]);
    expect(removals(service)).toEqual([join(data, left[0]!)]);
    await createMembrane(service, (await firstTokens(data)).create, "m");
  },
);

test("a first start that is killed after the tenant is stored loses no capability: the next start renames the file and logs its name", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  await expect(spawnService(data, { env: preload(signalAt("rename", BEFORE_PLACING)) })).rejects.toThrow(
    "ended before it was ready",
  );
  expect(await leftovers(data)).toHaveLength(1);
  await using service = await spawnService(data);
  expect(await leftovers(data)).toEqual([]);
  expect(removals(service)).toEqual([]);
  expect(service.logged()).toContainEqual(
    expect.objectContaining({
      msg: "first capabilities written",
      file: join(data, "first-capabilities.json"),
    }),
  );
  await expect.poll(service.printed).toContain(`  ${join(data, "first-capabilities.json")}\n`);
  const tokens = await firstTokens(data);
  await createMembrane(service, tokens.create, "m");
  expectStatus(await call(service, tokens.provision, { body: { id: "second" } }), 201);
});

test.each([
  ["before its tenant is stored", BEFORE_COMMIT[1][1], BEFORE_COMMIT[1][2]],
  ["before its file is placed", "rename", BEFORE_PLACING],
] as const)(
  "a first start that is only stopped %s continues after another start, and there is one file with working capabilities",
  async (_when, name, condition) => {
    await using directory = await temporaryDirectory();
    const data = join(directory.path, "data");
    const note = join(directory.path, "pid");
    const before = `fs.writeFileSync(${JSON.stringify(note)}, String(process.pid))`;
    const stopped = spawnService(data, {
      env: preload(signalAt(name, condition, { signal: "SIGSTOP", before })),
    });
    await expect.poll(() => readFile(note, "utf8").catch(() => "")).not.toBe("");
    const pid = Number(await readFile(note, "utf8"));
    try {
      await isStopped(pid);
      await using service = await spawnService(data);
      const { create } = await firstTokens(data);
      await createMembrane(service, create, "m");
      process.kill(pid, "SIGCONT");
      await using continued = await stopped;
      await createMembrane(continued, create, "n");
      expect((await firstTokens(data)).create).toBe(create);
      expect(await leftovers(data)).toEqual([]);
    } finally {
      endIfRunning(pid);
      await stopped.catch(() => undefined);
    }
  },
);

/** Makes a data directory without a store, and a backup for it. */
async function restorable(): Promise<AsyncDisposable & Record<"data" | "backup" | "create", string>> {
  const directory = await temporaryDirectory();
  const [data, backup] = [join(directory.path, "data"), join(directory.path, "backup")];
  await using source = await initDataDirectory();
  expect(await runMembrane(["backup", backup, "--data", source.path])).toMatchObject({ code: 0 });
  await mkdir(data, { mode: 0o700 });
  await copyFile(join(source.path, "service.key"), join(data, "service.key"));
  return {
    data,
    backup,
    create: source.tokens.create,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

const KILLED_RESTORES = [
  ["while it copies", signalAt("copyFile", "true", { before: 'fs.writeFileSync(args[1], "half")' })],
  ["before it renames the store", signalAt("rename", 'args[1].endsWith("/store")')],
] as const;

test.each(KILLED_RESTORES)(
  "a restore that is killed %s leaves a copy that the next restore removes and logs",
  async (_when, script) => {
    await using place = await restorable();
    const { data, backup, create } = place;
    expect(await runMembrane(["restore", backup, "--data", data], preload(script))).toMatchObject({
      code: null,
    });
    const left = await leftovers(data);
    expect(left).toEqual([expect.stringMatching(/^store\..*\.tmp$/)]);
    const { code, stderr } = await runMembrane(["restore", backup, "--data", data]);
    expect([code, await leftovers(data)]).toEqual([0, []]);
    expect(JSON.parse(stderr.split("\n")[0]!)).toMatchObject({
      msg: "removed what a killed process left",
      path: join(data, left[0]!),
    });
    await using service = await spawnService(data);
    await createMembrane(service, create, "m");
  },
);

test("a start and init remove such a copy too", async () => {
  await using place = await restorable();
  const { data, backup } = place;
  const [, script] = KILLED_RESTORES[1];
  const leave = async (): Promise<string> => {
    await runMembrane(["restore", backup, "--data", data], preload(script));
    return join(data, (await leftovers(data))[0]!);
  };
  const first = await leave();
  const { code, stderr } = await runMembrane(["init", "--data", data]);
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/^Removed what a killed process left: .*\n\{.*"msg":"operated"\}\n$/),
  ]);
  expect(stderr).toContain(`: ${first}\n`);
  // The name of the store is free again.
  await rename(join(data, "store"), join(backup, "..", "moved"));
  const second = await leave();
  await using service = await spawnService(data);
  expect(removals(service)).toEqual([second]);
  expect(await leftovers(data)).toEqual([]);
});

test("a copy of a restore that still runs is not removed, and the restore overwrites no store that exists by then", async () => {
  await using place = await restorable();
  const { data, backup, create } = place;
  const script = signalAt("rename", 'args[1].endsWith("/store")', { signal: "SIGSTOP" });
  const membrane = new URL("../../bin/membrane.js", import.meta.url).pathname;
  const child = spawn(process.execPath, [membrane, "restore", backup, "--data", data], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...preload(script) },
  });
  try {
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (piece: string) => (said += piece));
    await isStopped(child.pid!);
    const left = await leftovers(data);
    expect(left).toHaveLength(1);
    expect(await runMembrane(["restore", backup, "--data", data])).toMatchObject({ code: 0 });
    await using service = await spawnService(data);
    expect(removals(service)).toEqual([]);
    expect(await leftovers(data)).toEqual(left);
    await createMembrane(service, create, "m");
    child.kill("SIGCONT");
    expect(await once(child, "close")).toEqual([1, null]);
    expect(said).toMatch(/^membrane: --data: there is a store in .*overwrites none/);
    expect(await leftovers(data)).toEqual([]);
    await createMembrane(service, create, "n");
  } finally {
    child.kill("SIGKILL");
  }
});

test("a copy of a restore in another container is kept for a day, since no process id shows whether it runs", async () => {
  await using place = await restorable();
  const { data, backup } = place;
  const names = ["1-00000000-0123456789abcdef", "2-00000000-0123456789abcdef"].map((id) => `store.${id}.tmp`);
  for (const name of names) await mkdir(join(data, name));
  const yesterday = new Date(Date.now() - 25 * 60 * 60_000);
  await utimes(join(data, names[1]!), yesterday, yesterday);
  expect(await runMembrane(["restore", backup, "--data", data])).toMatchObject({ code: 0 });
  expect(await leftovers(data)).toEqual([names[0]]);
});
