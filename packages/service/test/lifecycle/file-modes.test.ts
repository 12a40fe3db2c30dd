import { chmod, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { run } from "../../../testkit/src/run.ts";
import { readDataConfig } from "../../src/config.ts";
import { openDataDirectory } from "../../src/commands/data-directory.ts";
import { runMembrane, spawnMembrane } from "../../../testkit/src/process.ts";
import { fileURLToPath } from "node:url";

const MEMBRANE = fileURLToPath(new URL("../../bin/membrane.js", import.meta.url));
const PUBLIC = ["authority", "tls/ca.pem", "tls/leaf.pem"];

/** Lists the files and directories that users other than their owner can read, write or search. */
async function reachable(directory: string): Promise<readonly string[]> {
  const parts = await readdir(directory, { recursive: true });
  const modes = await Promise.all(
    parts.map(async (part) => [part, (await stat(join(directory, part))).mode & 0o077] as const),
  );
  return modes.flatMap(([part, mode]) => (mode === 0 ? [] : [part])).toSorted((a, b) => a.localeCompare(b));
}

const serve = (data: string) =>
  spawnMembrane(["serve", "--data", data, "--listen", "127.0.0.1:0", "--authority", "localhost"]);

test("a first start in an existing directory that is open to everyone makes no secret file that others can access", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  await mkdir(data);
  await chmod(data, 0o755);
  await using service = await serve(data);
  expect(await reachable(data)).toEqual(PUBLIC);
  expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(await reachable(data)).toEqual(PUBLIC);
});

test("with umask 0, no command makes a secret file that others can access", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  const args = ["init", "--data", data, "--authority", "localhost", "--no-profile"];
  const { code } = await run(
    "sh",
    ["-c", 'umask 000; exec "$@"', "sh", process.execPath, MEMBRANE, ...args],
    {
      env: process.env,
    },
  );
  expect(code).toBe(0);
  expect(await reachable(data)).toEqual(PUBLIC);
});

test("under a usual umask others cannot enter the directory of the store, whose files LMDB makes readable for all", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  const umask = process.umask(0o022);
  try {
    const { store } = await openDataDirectory(readDataConfig({ data }));
    await store.close();
  } finally {
    process.umask(umask);
  }
  expect(await reachable(data)).not.toContain("store");
});

test.each([
  ["all others", 0o644, 0o755],
  ["a group", 0o640, 0o750],
])("a start removes the access of %s to its files, and logs it", async (_whose, fileMode, directoryMode) => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  await runMembrane(["init", "--data", data, "--authority", "localhost"]);
  const closed = [
    "store",
    "store/data.mdb",
    "store/lock.mdb",
    "tls",
    "tls/ca.key",
    "tls/leaf.key",
    "service.key",
  ];
  const left = join(data, "first-capabilities.json");
  await writeFile(left, "{}");
  for (const part of [...closed, "first-capabilities.json"])
    await chmod(join(data, part), part.includes(".") ? fileMode : directoryMode);
  await using service = await serve(data);
  expect(await reachable(data)).toEqual(PUBLIC);
  const said = service.logged().flatMap(({ msg, path }) => (msg === "closed to other users" ? [path] : []));
  expect(new Set(said)).toEqual(new Set([...closed.map((part) => join(data, part)), left]));
});
