// Checks a production install, which has the packages for serving and not those for building and testing. It is made in a copy, as
// in the second stage of a container image, has what the bill of materials says, and must serve.
import { execFileSync } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readTree } from "./packages/read-tree.js";

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
  const differences = await compareWithBill(copy);
  if (differences.length > 0) throw new Error(`the bill of materials differs: ${differences.join("; ")}`);
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

/**
 * Compares what is installed with what the bill of materials and docs/licenses.md say.
 *
 * @param {string} copy
 * @returns {Promise<string[]>}
 */
async function compareWithBill(copy) {
  /** @type {{ packages: Record<string, { link?: boolean }> }} */
  const { packages } = JSON.parse(await readFile(join(copy, "node_modules/.package-lock.json"), "utf8"));
  const installed = new Set(
    Object.keys(packages).filter((path) => path.includes("node_modules/") && packages[path]?.link !== true),
  );
  const listed = new Map(Array.from(await readTree()).filter(([path]) => path.includes("node_modules/")));
  return [
    ...Array.from(installed).flatMap((path) =>
      listed.has(path) ? [] : `${path} is installed and not listed`,
    ),
    // The optional ones of other platforms are listed and not installed.
    ...Array.from(listed).flatMap(([path, { isOptional }]) =>
      installed.has(path) || isOptional ? [] : `${path} is listed and not installed`,
    ),
  ];
}

/** @param {string} path @returns {Promise<number>} bytes of all files below it */
async function sizeOf(path) {
  let bytes = 0;
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
