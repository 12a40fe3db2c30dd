import { execFile } from "node:child_process";
import { chmod, copyFile, cp, mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { open } from "lmdb";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { runMembrane } from "../../../testkit/src/process.ts";
import { run } from "../../../testkit/src/run.ts";
import { mountSmallDisk } from "../../../testkit/src/small-disk.ts";

/* For an unusable data directory, each command says in one line what is wrong and what to do, and changes nothing. */

const execute = promisify(execFile);
const MEMBRANE = fileURLToPath(new URL("../../bin/membrane.js", import.meta.url));

const COMMANDS: readonly (readonly string[])[] = [
  ["serve", "--listen", "127.0.0.1:0", "--authority", "a.test", "--no-tls"],
  ["init"],
  ["tenant", "list"],
  ["doctor", "--listen", "127.0.0.1:0", "--authority", "a.test"],
];

/** Makes a data directory that was in use. */
async function used(data: string): Promise<string> {
  expect((await runMembrane(["init", "--data", data, "--json"])).code).toBe(0);
  return data;
}

/** Makes a store directory with the key of one that was in use, and the files that `fill` writes. */
async function withStore(at: string, fill: (store: string) => Promise<void>): Promise<string> {
  const data = await used(join(at, "used"));
  const strange = join(at, "strange");
  await mkdir(join(strange, "store"), { recursive: true });
  await copyFile(join(data, "service.key"), join(strange, "service.key"));
  await fill(join(strange, "store"));
  return strange;
}

/** The problem of a directory, a function that makes it, and the error. */
const PLACES: readonly (readonly [string, (at: string) => Promise<string>, RegExp])[] = [
  [
    "is a file",
    async (at) => {
      await writeFile(join(at, "file"), "text");
      return join(at, "file");
    },
    /file is a file: expected a directory/,
  ],
  [
    "has a file as a parent",
    async (at) => {
      await writeFile(join(at, "file"), "text");
      return join(at, "file", "data");
    },
    /file is a file: expected a directory/,
  ],
  [
    "has other files",
    async (at) => {
      await mkdir(join(at, "home"));
      await writeFile(join(at, "home", "letters.txt"), "text");
      return join(at, "home");
    },
    /has no store and holds something else \(letters\.txt\): name a directory that is empty/,
  ],
  [
    "has a file in place of the store",
    async (at) => {
      await mkdir(join(at, "data"));
      await writeFile(join(at, "data", "store"), "text");
      return join(at, "data");
    },
    /store is a file: it is no store/,
  ],
  [
    "has a store of other files",
    (at) => withStore(at, (store) => writeFile(join(store, "shop.sqlite"), "text")),
    /holds no store, but shop\.sqlite: name another directory/,
  ],
  [
    "has a store of random bytes",
    (at) => withStore(at, (store) => writeFile(join(store, "data.mdb"), Buffer.alloc(16_384, 0xa7))),
    /data\.mdb is no store, or is damaged: restore a backup, or name another directory/,
  ],
  [
    "has a store that was truncated to its first bytes",
    (at) =>
      withStore(at, async (store) => {
        await copyFile(join(at, "used", "store", "data.mdb"), join(store, "data.mdb"));
        await truncate(join(store, "data.mdb"), 20);
      }),
    /data\.mdb is no store, or is damaged/,
  ],
  [
    "has an LMDB file of the standard format, as mdb_copy writes it",
    (at) =>
      withStore(at, async (store) => {
        const head = Buffer.alloc(16_384);
        head.writeUInt32LE(0xbeefc0de, 16);
        head.writeUInt32LE(1, 20);
        await writeFile(join(store, "data.mdb"), head);
      }),
    /data\.mdb is an LMDB file of another format.*restore a copy that "membrane backup" made/,
  ],
  [
    "has a damaged file in place of the gate",
    (at) => withStore(at, (store) => writeFile(join(store, "gate.mdb"), Buffer.alloc(16_384, 0xa7))),
    /gate\.mdb is damaged: end all processes that use the store, and remove this file/,
  ],
  [
    "has the LMDB environment of another program",
    (at) =>
      withStore(at, async (store) => {
        const other = open({ path: store, noSubdir: false });
        await other.put("hello", "world");
        await other.put(["x", 1], "y");
        await other.close();
      }),
    /the store is an LMDB environment of another program: name another directory/,
  ],
];

/** The mode of each file and directory, and what the file holds. */
async function snapshot(at: string): Promise<Record<string, string>> {
  const paths = (await readdir(at, { recursive: true })).map((name) => join(at, name));
  const read = paths.map(async (path) => {
    const found = await stat(path);
    // LMDB counts its readers in the lock file.
    const isRead = found.isFile() && basename(path) !== "lock.mdb";
    return [path, `${found.mode.toString(8)} ${isRead ? await readFile(path, "base64") : ""}`];
  });
  return Object.fromEntries(await Promise.all(read));
}

/** Makes each file and directory readable for other users, as under a usual umask. */
async function openToOthers(at: string): Promise<void> {
  if (!(await stat(at).catch(() => undefined))?.isDirectory()) return;
  const entries = await readdir(at, { recursive: true, withFileTypes: true });
  for (const entry of entries)
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
}

async function expectRefused(data: string, why: RegExp, check = async (_said: string) => {}): Promise<void> {
  // One after the other, since one command could undo or prevent what another one changes.
  for (const words of COMMANDS) {
    const { code, stdout, stderr } = await runMembrane([...words, "--data", data]);
    const said = `${words[0]} said ${JSON.stringify({ code, stdout, stderr })}`;
    expect(code, said).toBe(1);
    if (words[0] === "doctor") {
      expect(stdout, said).toMatch(/^FAIL {2}store: /m);
      expect(
        stdout.split("\n").filter((line) => why.test(line)),
        said,
      ).toHaveLength(1);
    } else {
      // Without a store, `tenant` commands say so.
      const expected = words[0] === "tenant" ? new RegExp(`${why.source}|there is no store in`) : why;
      expect(stderr, said).toMatch(/^membrane: .+\n$/);
      expect(stderr, said).toMatch(expected);
    }
    await check(said);
  }
}

test.each(PLACES)(
  "a data directory that %s is refused by every command, which changes neither files nor modes",
  async (_what, prepare, why) => {
    await using directory = await temporaryDirectory();
    const data = await prepare(directory.path);
    await openToOthers(data);
    const before = await snapshot(directory.path);
    await expectRefused(data, why, async (said) =>
      expect(await snapshot(directory.path), said).toEqual(before),
    );
  },
);

test("a start with a directory that the system does not create ends with an error", async () => {
  // Node's recursive mkdir never ends for such a path.
  for (const args of COMMANDS.slice(0, 2)) {
    const { code, stderr } = await runMembrane([...args, "--data", "/proc/membrane/data"]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^membrane: .* cannot be made: .+\n$/),
    });
  }
});

test("every command names a read-only file system in its error, for an existing store and for a new one", async () => {
  await using disk = await mountSmallDisk(16);
  await using directory = await temporaryDirectory();
  await cp(await used(join(directory.path, "data")), join(disk.path, "data"), { recursive: true });
  await execute("mount", ["-o", "remount,ro", disk.path]);
  for (const data of ["data", "none", "deep/none"]) {
    await expectRefused(
      join(disk.path, data),
      /is on a file system that is mounted read-only: mount it for writing/,
    );
  }
  const backup = await runMembrane([
    "backup",
    join(disk.path, "backup"),
    "--data",
    join(directory.path, "data"),
  ]);
  expect(backup).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^membrane: backup: .* cannot be made/),
  });
});

test("every command names a data directory of another user in its error, with what to do", async () => {
  await using directory = await temporaryDirectory();
  await chmod(directory.path, 0o755);
  const data = await used(join(directory.path, "data"));
  for (const args of COMMANDS) {
    const program = ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, MEMBRANE, ...args];
    const { code, stdout, stderr } = await run("setpriv", [...program, "--data", data], {
      env: process.env,
    });
    expect([code, stdout + stderr]).toEqual([
      1,
      expect.stringMatching(
        /^(?:membrane: --data|FAIL {2}data directory): \S+\/data may not be written by this user: give it to the user that runs the service\n$/,
      ),
    ]);
  }
});

test("every command reports in one line that the limit of open files is too low to start", async () => {
  await using directory = await temporaryDirectory();
  const data = await used(join(directory.path, "data"));
  for (const args of COMMANDS) {
    const line = `ulimit -n 40; exec "$0" "$@"`;
    const program = ["-c", line, process.execPath, MEMBRANE, ...args, "--data", data];
    const { code, stdout, stderr } = await run("bash", program, { env: process.env });
    expect([code, stdout, stderr]).toEqual([
      1,
      "",
      expect.stringMatching(
        /^membrane: this process may open 40 files, too few to start: raise the limit.*\n$/,
      ),
    ]);
  }
});
