import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { ROOT } from "../packages/pack.js";
import { run } from "../packages/run.js";
import { readBillOfMaterials } from "../packages/read-tree.js";
import { formatCopyright } from "./copyright.js";
import { manPage } from "./man-page.js";
import { installTree, listPackages } from "./tree.js";

/** The names of Debian for what Node.js calls the processor. @type {Readonly<Record<string, string>>} */
const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };

const TREE = "usr/lib/membrane";
const EXECUTABLE = 0o755;

/** Files of the repository, where they go, and their modes. @type {readonly (readonly [string, string, number])[]} */
const FILES = [
  ["deploy/systemd/membrane.service", "lib/systemd/system/membrane.service", 0o644],
  ["deploy/systemd/membrane.sysusers", "usr/lib/sysusers.d/membrane.conf", 0o644],
  ["deploy/systemd/membrane-admin", "usr/sbin/membrane-admin", EXECUTABLE],
  ["deploy/systemd/environment", "etc/membrane/environment", 0o640],
  ["deploy/debian/lintian-overrides", "usr/share/lintian/overrides/membrane", 0o644],
];

/** Programs of the packages, by the names that users type. @type {readonly (readonly [string, string])[]} */
const PROGRAMS = [
  ["membrane", "packages/service/bin/membrane.js"],
  ["capi", "packages/cli/bin/capi.js"],
];

/** @type {readonly (readonly [path: string, target: string])[]} */
const LINKS = [
  ...PROGRAMS.map(([name, path]) => /** @type {const} */ ([`usr/bin/${name}`, `../lib/membrane/${path}`])),
  ["usr/share/bash-completion/completions/capi", "../../../lib/membrane/packages/cli/completions/capi.bash"],
  ["usr/share/zsh/vendor-completions/_capi", "../../../lib/membrane/packages/cli/completions/capi.zsh"],
];

/**
 * Builds the package for Debian. Two builds of one commit are the same, byte for byte.
 *
 * @param {{ version: string, maintainer: string, epoch: number, output: string }} options `epoch` is the time of all files, in seconds
 *   since 1970; `output` is an existing directory.
 * @returns {Promise<string>} the file.
 */
export async function buildDeb({ version, maintainer, epoch, output }) {
  const architecture = ARCHITECTURES[process.arch];
  if (process.platform !== "linux" || architecture === undefined)
    throw new Error(`no package for ${process.platform} ${process.arch}: expected Linux on x64 or arm64`);
  const temporary = await mkdtemp(join(tmpdir(), "membrane-deb-"));
  try {
    const root = join(temporary, "root");
    const date = new Date(epoch * 1000);
    await placeFiles(root, temporary, { version, maintainer, date });
    await writeControl(root, { version, maintainer, architecture });
    const file = join(output, `membrane_${version}_${architecture}.deb`);
    const words = ["--root-owner-group", "-Zxz", "--threads-max=1", "--build", root, file];
    await runOrThrow("dpkg-deb", words, { SOURCE_DATE_EPOCH: String(epoch) });
    return file;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** @param {string} root @param {string} temporary @param {{ version: string, maintainer: string, date: Date }} options */
async function placeFiles(root, temporary, { version, maintainer, date }) {
  const tree = join(root, TREE);
  await mkdir(tree, { recursive: true });
  await installTree(tree, temporary);
  const day = date.toISOString().slice(0, 10);
  for (const [index, [name, path]] of PROGRAMS.entries()) {
    const help = (/** @type {readonly string[]} */ words) =>
      runOrThrow(process.execPath, [join(tree, path), ...words, "--help"], {});
    const seeAlso = PROGRAMS[1 - index]?.[0] ?? "";
    await place(
      root,
      `usr/share/man/man1/${name}.1.gz`,
      compress(await manPage(name, { version, date: day, seeAlso, help })),
    );
  }
  const page = await readFile(join(ROOT, "deploy/debian/membrane-admin.8"), "utf8");
  const admin = page.replaceAll("@VERSION@", version).replaceAll("@DATE@", day);
  await place(root, "usr/share/man/man8/membrane-admin.8.gz", compress(admin));
  const doc = "usr/share/doc/membrane";
  await place(root, `${doc}/copyright`, formatCopyright(await listPackages(tree), TREE));
  await place(
    root,
    `${doc}/membrane.cdx.json.gz`,
    compress(JSON.stringify(await readBillOfMaterials(), undefined, 2)),
  );
  const entry = `membrane (${version}) unstable; urgency=medium\n\n  * What has changed: CHANGELOG.md of the sources.\n\n -- ${maintainer}  ${rfc5322(date)}\n`;
  await place(root, `${doc}/changelog.gz`, compress(entry));
  for (const [path, target] of LINKS) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await symlink(target, join(root, path));
  }
  await normalizeModes(root);
  for (const [from, to, mode] of FILES) await place(root, to, await readFile(join(ROOT, from)), mode);
}

/** @param {string} root @param {{ version: string, maintainer: string, architecture: string }} values */
async function writeControl(root, { version, maintainer, architecture }) {
  /** @type {string[]} */
  const sums = [];
  let bytes = 0;
  for (const path of await filesBelow(root)) {
    const content = await readFile(join(root, path));
    bytes += content.length;
    sums.push(`${createHash("md5").update(content).digest("hex")}  ${path}\n`);
  }
  const control = await readFile(join(ROOT, "deploy/debian/control"), "utf8");
  const values = new Map([
    ["@VERSION@", version],
    ["@MAINTAINER@", maintainer],
    ["@ARCHITECTURE@", architecture],
    ["@SIZE@", String(Math.ceil(bytes / 1024))],
  ]);
  await place(
    root,
    "DEBIAN/control",
    control.replaceAll(/@[A-Z]+@/g, (name) => values.get(name) ?? name),
  );
  await place(root, "DEBIAN/conffiles", "/etc/membrane/environment\n");
  await place(root, "DEBIAN/md5sums", sums.join(""));
  for (const script of ["postinst", "prerm", "postrm"])
    await place(root, `DEBIAN/${script}`, await readFile(join(ROOT, "deploy/debian", script)), EXECUTABLE);
}

/** @param {string} root @returns {Promise<string[]>} the regular files, in one order on every machine */
async function filesBelow(root) {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((file) => file.slice(root.length + 1)).toSorted();
}

/**
 * Gives all files the modes of Debian, whatever the umask of this build and the modes in tarballs are: a program that can be called
 * has a first line that names its interpreter.
 *
 * @param {string} root
 */
async function normalizeModes(root) {
  await chmod(root, EXECUTABLE);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, EXECUTABLE);
    if (entry.isFile()) await chmod(path, (await isProgram(path)) ? EXECUTABLE : 0o644);
  }
}

/** @param {string} path */
async function isProgram(path) {
  const { mode } = await lstat(path);
  return (mode & 0o100) !== 0 && (await readFile(path)).subarray(0, 2).toString() === "#!";
}

/** @param {string} root @param {string} path @param {string | Uint8Array} content @param {number} [mode] */
async function place(root, path, content, mode = 0o644) {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  await chmod(file, mode);
}

/** @param {string} text */
function compress(text) {
  return gzipSync(text, { level: 9 });
}

/** @param {Date} date */
function rfc5322(date) {
  return date.toUTCString().replace("GMT", "+0000");
}

/** @param {string} program @param {string[]} words @param {Readonly<Record<string, string>>} env @returns {Promise<string>} what it prints */
async function runOrThrow(program, words, env) {
  const { ok, stdout, output } = await run(program, words, { cwd: ROOT, env, seconds: 300 });
  if (!ok) throw new Error(output);
  return stdout;
}
