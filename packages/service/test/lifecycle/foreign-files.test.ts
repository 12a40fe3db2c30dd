import { chown, chmod, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import type { ProcessResult } from "../../../testkit/src/run.ts";
import { run } from "../../../testkit/src/run.ts";

/* Files of a data directory that belong to another user, as after a command that an operator ran as root. */

const MEMBRANE = fileURLToPath(new URL("../../bin/membrane.js", import.meta.url));

/** A user who owns no file of the checkout. */
const USER = { uid: 65_534, gid: 65_534 };

/** Runs a command as the user, to whom all files of the data directory belong but one. */
async function runWithForeignFile(name: string, ...words: readonly string[]): Promise<ProcessResult> {
  await using data = await initDataDirectory();
  for (const entry of [".", ...(await readdir(data.path, { recursive: true }))])
    await chown(join(data.path, entry), USER.uid, USER.gid);
  const env = { PATH: process.env["PATH"], MEMBRANE_PROFILE: "false" };
  const args = [MEMBRANE, ...words, "--data", data.path, "--authority", "membrane.test"];
  const list = [MEMBRANE, "tenant", "list", "--data", data.path, "--authority", "membrane.test"];
  expect(await run(process.execPath, list, { env, ...USER })).toMatchObject({ code: 0 });
  const file = join(data.path, name);
  await chown(file, 0, 0);
  await chmod(file, 0o600);
  return await run(process.execPath, args, { env, ...USER });
}

const SAYS_SO = /^membrane: .*may not be written by this user: give it to the user that runs the service\n$/;

test.each(["data.mdb", "lock.mdb", "gate.mdb", "gate.mdb-lock"])(
  "a command whose user may not write %s of the store ends with one line that says so",
  async (name) => {
    const result = await runWithForeignFile(`store/${name}`, "tenant", "list");
    expect(result).toEqual({ code: 1, stdout: "", stderr: expect.stringMatching(SAYS_SO) });
    expect(result.stderr).toContain("store may not");
  },
);

test.each(["tls/ca.key", "tls/leaf.key"])(
  "a start whose user may not read %s ends with one line that names it and says so",
  async (name) => {
    const result = await runWithForeignFile(name, "serve", "--listen", "127.0.0.1:0");
    expect(result).toEqual({ code: 1, stdout: "", stderr: expect.stringMatching(SAYS_SO) });
    expect(result.stderr).toContain(`/${name} may not`);
  },
);
