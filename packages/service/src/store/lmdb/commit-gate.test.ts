import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import { openEnvironment } from "./environment.ts";

const OPENS = 600;
const KEY = Buffer.from("number of commits");

/** Opens and closes a store, again and again, as commands do while a service runs; every second time for a backup. */
const OPEN_SCRIPT = `
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { copyStore } from "./dist/store/lmdb/backup.js";
import { openEnvironment } from "./dist/store/lmdb/environment.js";
const [, store, directory] = process.argv;
for (let i = 0; i < ${OPENS}; i += 1) {
  if (i % 2 === 0) {
    const to = mkdtempSync(join(directory, "copy-"));
    await copyStore(store, to);
    rmSync(to, { recursive: true });
  } else {
    await (await openEnvironment(store, 10_000)).close();
  }
}
`;

test(
  "no commit is lost or hidden when another process opens the store meanwhile",
  { timeout: 120_000 },
  async () => {
    await using directory = await temporaryDirectory();
    const store = join(directory.path, "store");
    const environment = await openEnvironment(store, 10_000);
    const { counts } = environment.tables;
    const read = (): number => counts.get(KEY)?.readUInt32BE() ?? 0;
    const gate = await readFile(join(store, "gate.mdb"));
    const opener = spawn(
      process.execPath,
      ["--input-type=module", "-e", OPEN_SCRIPT, store, directory.path],
      {
        cwd: fileURLToPath(new URL("../../..", import.meta.url)),
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
    const ended = once(opener, "exit");
    let commits = 0;
    while (opener.exitCode === null && opener.signalCode === null) {
      const found = await environment.write(() => {
        const before = read();
        const next = Buffer.alloc(4);
        next.writeUInt32BE(before + 1);
        void counts.put(KEY, next);
        return before;
      });
      expect(found).toBe(commits);
      commits += 1;
      expect(environment.snapshot(read)).toBe(commits);
    }
    const [code] = await ended;
    await environment.close();
    expect([code, commits > OPENS / 10]).toEqual([0, true]);
    // The gate is safe because its own number of the latest commit never changes.
    expect(await readFile(join(store, "gate.mdb"))).toEqual(gate);
  },
);
