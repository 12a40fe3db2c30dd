// Checks a production install, which has the packages for serving and not those for building and testing. It is made in a copy, as
// in the second stage of a container image, and must serve.
import { execFileSync } from "node:child_process";
import { cp, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Well above the size of the packages for serving, and far below the 200 MB of those for building. */
const MAX_MEGABYTES = 60;

const root = fileURLToPath(new URL("..", import.meta.url));
const directory = await mkdtemp(join(tmpdir(), "membrane-production-"));
try {
  const copy = join(directory, "membrane");
  const tracked = execFileSync("git", ["ls-files"], { cwd: root }).toString().trim().split("\n");
  for (const file of tracked) await cp(join(root, file), join(copy, file));
  for (const name of ["protocol", "sdk", "cli", "service"]) {
    await cp(join(root, "packages", name, "dist"), join(copy, "packages", name, "dist"), { recursive: true });
  }
  execFileSync("npm", ["ci", "--omit=dev"], { cwd: copy, stdio: "inherit" });
  const megabytes = Math.ceil((await sizeOf(join(copy, "node_modules"))) / 1e6);
  if (megabytes > MAX_MEGABYTES) throw new Error(`node_modules has ${megabytes} MB`);
  /** @type {typeof import("./start-membrane.js")} */
  const { startMembrane } = await import(join(copy, "scripts/start-membrane.js"));
  const service = await startMembrane({ home: directory, authority: "localhost" });
  await service.end();
  console.log(`A production install has ${megabytes} MB of packages and serves.`);
} finally {
  await rm(directory, { recursive: true, force: true });
}

/** @param {string} path @returns {Promise<number>} bytes of all files below it */
async function sizeOf(path) {
  let bytes = 0;
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
