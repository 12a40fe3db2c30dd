import { execFile } from "node:child_process";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

/** The last commit without openings and limits. */
const COMMIT = "1075374b367bd0137690dfed4936eefdc01056f6";

const PARTS = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "tsconfig.base.json",
  "scripts/prepare.js",
];

const run = promisify(execFile);

/**
 * Builds the program of that commit, with the packages of its lock file, and with this checkout's compiler.
 *
 * @param directory an empty one.
 * @returns the file to run.
 */
export async function buildOlderProgram(directory: string): Promise<string> {
  await run("git", ["cat-file", "-e", `${COMMIT}^{commit}`], { cwd: ROOT }).catch(() => {
    throw new Error(`this checkout has not the commit ${COMMIT}: fetch its history (git fetch --unshallow)`);
  });
  const archive = join(directory, "source.tar");
  await run("git", ["archive", "--output", archive, COMMIT, ...PARTS, "packages"], { cwd: ROOT });
  await run("tar", ["-xf", archive, "-C", directory]);
  const options = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  await run("npm", ["ci", ...options], { cwd: directory });
  await mkdir(join(directory, "node_modules", "@types"), { recursive: true });
  for (const name of ["node", "yargs", "yargs-parser"])
    await symlink(join(ROOT, "node_modules/@types", name), join(directory, "node_modules/@types", name));
  await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-b"], { cwd: directory });
  return join(directory, "packages/service/bin/membrane.js");
}
