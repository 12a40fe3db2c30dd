import { randomBytes } from "node:crypto";
import * as promises from "node:fs/promises";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { hasCode } from "./error-code.ts";

/** The functions that create files; a test replaces them to see the order of the calls. */
export type FileSystem = Pick<typeof promises, "open" | "link" | "rm">;

/** Makes a directory that only its owner can look into, if it is missing, with those above it; on disk when this resolves. */
export async function makePrivateDirectory(directory: string): Promise<void> {
  for (const made of await makeDirectories(resolve(directory))) await syncDirectory(dirname(made));
}

/**
 * Node's own recursive `mkdir` never ends where the system says ENOENT though the parent is there, as in /proc.
 *
 * @returns what was made.
 */
async function makeDirectories(directory: string): Promise<readonly string[]> {
  const parent = dirname(directory);
  try {
    return await makeSingleDirectory(directory);
  } catch (error) {
    if (!hasCode(error, "ENOENT") || parent === directory) throw error;
  }
  return [...(await makeDirectories(parent)), ...(await makeSingleDirectory(directory))];
}

/** @returns nothing if the directory is there already. */
async function makeSingleDirectory(directory: string): Promise<readonly string[]> {
  try {
    await mkdir(directory, { mode: 0o700 });
    return [directory];
  } catch (error) {
    if (hasCode(error, "EEXIST") && (await stat(directory)).isDirectory()) return [];
    throw error;
  }
}

/** The text of a file, or `undefined` when there is none. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    // The path leads through a file.
    if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Puts a file in place of what was there: a reader finds the old text or the new one, also after a power cut. */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  await writeViaTemporary(path, text, mode, (temporary) => rename(temporary, path), promises);
}

/** A file on disk under a temporary name, until it is placed or discarded. */
export interface StagedFile {
  /** Puts it in place of an existing file, or where there is none. */
  place(): Promise<void>;
  discard(): Promise<void>;
}

/** Writes a file under a temporary name. When this resolves, placing it needs no more space. */
export async function stageFile(path: string, text: string, mode: number): Promise<StagedFile> {
  const temporary = temporaryName(path);
  try {
    await writeSynced(temporary, text, mode, promises);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return {
    async place() {
      await rename(temporary, path);
      await syncDirectory(dirname(path));
    },
    discard: () => rm(temporary, { force: true }),
  };
}

/** Files on disk under a temporary name for `path`: written now by other processes, or left by processes that were killed. */
export async function findStagedFiles(path: string): Promise<readonly string[]> {
  const directory = dirname(path);
  const names = await readdir(directory);
  return names
    .filter((name) => name.startsWith(`${basename(path)}.`))
    .filter((name) => TEMPORARY_SUFFIX.test(name.slice(basename(path).length)))
    .map((name) => join(directory, name));
}

const TEMPORARY_SUFFIX = /^\.[0-9a-f]{16}\.tmp$/;

function temporaryName(path: string): string {
  return `${path}.${randomBytes(8).toString("hex")}.tmp`;
}

/**
 * Creates a file unless it exists and says whether it did. O_EXCL alone would let another process read a file that is
 * not written yet; a hard link is as exclusive and shows whole files only. The file is on disk when this resolves, also if
 * another process created it: what depends on it must not outlive it.
 */
export async function createFile(
  path: string,
  text: string,
  mode: number,
  fs: FileSystem = promises,
): Promise<boolean> {
  try {
    await writeViaTemporary(path, text, mode, (temporary) => fs.link(temporary, path), fs);
    return true;
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    await syncDirectory(dirname(path), fs);
    return false;
  }
}

async function writeViaTemporary(
  path: string,
  text: string,
  mode: number,
  place: (temporary: string) => Promise<void>,
  fs: FileSystem,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await writeSynced(temporary, text, mode, fs);
    await place(temporary);
    await syncDirectory(dirname(path), fs);
  } finally {
    await fs.rm(temporary, { force: true });
  }
}

async function writeSynced(path: string, text: string, mode: number, fs: FileSystem): Promise<void> {
  const file = await fs.open(path, "wx", mode);
  try {
    // The umask takes bits away from what a file is made with.
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Puts the names in a directory on disk. */
export async function syncDirectory(path: string, fs: Pick<FileSystem, "open"> = promises): Promise<void> {
  const directory = await fs.open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
