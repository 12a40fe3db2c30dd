import { cp, readFile, rename, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./pack.js";
import { run } from "./run.js";

/** @import { Packed } from "./pack.js" */

const PROGRAMS = fileURLToPath(new URL("project", import.meta.url));
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");
const NODE_TYPES = join(ROOT, "node_modules/@types");
const STRICT = "--noEmit --strict --skipLibCheck false --target es2023".split(" ");
const NODE = "--module nodenext --lib es2023 --types node --typeRoots".split(" ");
const BROWSER =
  "--module esnext --moduleResolution bundler --customConditions browser --lib es2023,dom".split(" ");

/**
 * Makes a project whose only dependencies are the tarballs.
 *
 * @param {string} temporary
 * @param {readonly Packed[]} packages
 * @returns {Promise<string>} its directory.
 */
export async function installProject(temporary, packages) {
  assertOneVersion(packages);
  const project = join(temporary, "project");
  await cp(PROGRAMS, project, { recursive: true });
  // It has `import … = require()`, a form that the lint rules of this repository refuse.
  await rename(join(project, "commonjs.cts.txt"), join(project, "commonjs.cts"));
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true }));
  const options = ["--prefix", project, "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  const tarballs = packages.map(({ tarball }) => tarball);
  const { ok, output } = await run("npm", ["install", ...options, ...tarballs], {
    cwd: project,
    seconds: 300,
  });
  if (!ok) throw new Error(output);
  await assertInstalledFromTarballs(project, packages);
  return project;
}

/**
 * Checks that all packages need each other in the packed version, since npm would request another version from the registry.
 *
 * @param {readonly Packed[]} packages
 */
function assertOneVersion(packages) {
  for (const { name, manifest } of packages)
    for (const needed of packages) {
      const version = manifest.dependencies?.[needed.name];
      if (version !== undefined && version !== needed.version)
        throw new Error(`${name} depends on ${needed.name} ${version}, which is ${needed.version}`);
    }
}

/**
 * Checks that packages of the same names from a registry were not installed.
 *
 * @param {string} project
 * @param {readonly Packed[]} packages
 */
async function assertInstalledFromTarballs(project, packages) {
  /** @type {{ packages: Record<string, { resolved?: string }> }} */
  const lock = JSON.parse(await readFile(join(project, "package-lock.json"), "utf8"));
  const installed = Object.entries(lock.packages);
  for (const { name, tarball } of packages) {
    const copies = installed.filter(([path]) => path.endsWith(`node_modules/${name}`));
    if (copies.length !== 1 || copies[0]?.[1].resolved !== `file:${relative(project, tarball)}`)
      throw new Error(`${name} was not installed from its tarball alone`);
  }
}

/**
 * @param {string} project
 * @param {readonly Packed[]} packages
 * @returns {Promise<string[]>} the problems.
 */
export async function tryProject(project, packages) {
  return [
    ...(await tryProgram(project, process.execPath, ["esm.mjs"], /^right$/m)),
    ...(await tryProgram(project, process.execPath, ["commonjs.cjs"], /^right$/m)),
    ...(await tryProgram(
      project,
      "node_modules/.bin/capi",
      ["--version"],
      versionOf(packages, "capability-cli"),
    )),
    ...(await tryProgram(project, "node_modules/.bin/membrane", ["--help"], /^ +membrane serve /m)),
    ...(await tryProgram(
      project,
      "node_modules/.bin/membrane",
      ["--version"],
      versionOf(packages, "membrane-service"),
    )),
    ...(await tryReadme(project, "capability-protocol")),
    ...(await tryTypes(project, [...NODE, NODE_TYPES, "node.mts", "commonjs.cts", "wrong.mts"])),
    ...(await tryTypes(project, [...BROWSER, "--types", "", "--listFiles", "page.ts"], readsBrowserTypes)),
  ];
}

/**
 * @param {string} project
 * @param {string} program
 * @param {string[]} words
 * @param {RegExp} printed
 */
async function tryProgram(project, program, words, printed) {
  const { ok, stdout, output } = await run(program, words, { cwd: project, env: { HOME: project } });
  return ok && printed.test(stdout) ? [] : [`${program} ${words.join(" ")} failed: ${output}`];
}

/**
 * Runs the programs of a README: each must print the output that the README shows.
 *
 * @param {string} project
 * @param {string} name
 */
async function tryReadme(project, name) {
  const readme = await readFile(join(project, "node_modules", name, "README.md"), "utf8");
  const wrong = [];
  for (const [, program = ""] of readme.matchAll(/```js\n([\s\S]*?)```/g)) {
    await writeFile(join(project, "readme.mjs"), program);
    const said = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => `${text}\n`);
    const { ok, stdout, output } = await run(process.execPath, ["readme.mjs"], { cwd: project });
    if (!ok || stdout !== said.join("")) wrong.push(`README.md of ${name}: ${output}\n${program}`);
  }
  return wrong;
}

/**
 * @param {readonly Packed[]} packages
 * @param {string} name
 */
function versionOf(packages, name) {
  const version = packages.find((packed) => packed.name === name)?.version ?? "";
  return new RegExp(`^${version.replaceAll(".", "\\.")}$`, "m");
}

/**
 * @param {string} project
 * @param {string[]} words
 * @param {(stdout: string) => boolean} [isRight] checks the output of the compiler.
 */
async function tryTypes(project, words, isRight = () => true) {
  const { ok, stdout, output } = await run(process.execPath, [TSC, ...STRICT, ...words], { cwd: project });
  // The compiler lists files by absolute paths, and errors by relative ones.
  const errors = output.replaceAll(/^\/.*\n?/gm, "");
  return ok && isRight(stdout) ? [] : [`tsc ${words.join(" ")} failed: ${errors}`];
}

/** @param {string} listed */
function readsBrowserTypes(listed) {
  return (
    listed.includes("capability-sdk/dist/browser.d.ts") && !listed.includes("capability-sdk/dist/index.d.ts")
  );
}
