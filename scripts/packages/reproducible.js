import { execFile } from "node:child_process";
import { cp, mkdir, readFile, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { pack, ROOT } from "./pack.js";

/** @import { Packed } from "./pack.js" */

/** The time zone and the language of another machine. The umask is the usual one, since npm packs the modes that files have. */
const ELSEWHERE = 'umask 022 && export TZ=Asia/Tokyo LC_ALL=C && exec "$@"';

/**
 * Compiles and packs the sources of this checkout once more, in a copy, and compares the tarballs byte for byte. One that differs has
 * something of its machine, or an output of the compiler that is older than its source.
 *
 * @param {string} temporary
 * @param {readonly Packed[]} packages
 * @returns {Promise<string[]>} the problems.
 */
export async function packAgain(temporary, packages) {
  const [copy, destination] = [join(temporary, "again"), join(temporary, "tarballs")];
  await mkdir(destination);
  await copySources(copy);
  const execute = promisify(execFile);
  await execute("bash", ["-c", ELSEWHERE, "bash", "node_modules/.bin/tsc", "-b"], { cwd: copy });
  const again = await pack(destination, { root: copy, shell: ELSEWHERE });
  const problems = [];
  for (const [index, { name, tarball }] of packages.entries()) {
    const other = again[index]?.tarball ?? "";
    if (!(await readFile(tarball)).equals(await readFile(other)))
      problems.push(`${name}: packed again, it differs: diffoscope ${tarball} ${other}`);
  }
  return problems;
}

/** @param {string} copy */
async function copySources(copy) {
  const { stdout } = await promisify(execFile)(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard"],
    { cwd: ROOT },
  );
  for (const file of stdout.trim().split("\n")) {
    await mkdir(dirname(join(copy, file)), { recursive: true });
    await cp(join(ROOT, file), join(copy, file));
  }
  await promisify(execFile)("chmod", ["-R", "u=rwX,go=rX", copy]);
  await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"));
}
