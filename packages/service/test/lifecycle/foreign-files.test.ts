import { chown, chmod, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import { run } from "../../../testkit/src/run.ts";

/* Files of the store that belong to another user, as after a command that an operator ran as root. */

const MEMBRANE = fileURLToPath(new URL("../../bin/membrane.js", import.meta.url));

/** A user who owns no file of the checkout. */
const USER = { uid: 65_534, gid: 65_534 };

test.each(["data.mdb", "lock.mdb", "gate.mdb", "gate.mdb-lock"])(
  "a command whose user may not write %s of the store ends with one line that says so",
  async (name) => {
    await using data = await initDataDirectory();
    for (const entry of [".", ...(await readdir(data.path, { recursive: true }))])
      await chown(join(data.path, entry), USER.uid, USER.gid);
    const env = { PATH: process.env["PATH"], MEMBRANE_PROFILE: "false" };
    const args = [MEMBRANE, "tenant", "list", "--data", data.path, "--authority", "membrane.test"];
    const list = () => run(process.execPath, args, { env, ...USER });
    expect(await list()).toMatchObject({ code: 0 });
    const file = join(data.path, "store", name);
    await chown(file, 0, 0);
    await chmod(file, 0o600);
    expect(await list()).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^membrane: .*store may not be written by this user: .+\n$/),
    });
  },
);
