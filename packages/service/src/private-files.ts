import { randomBytes } from "node:crypto";
import * as promises from "node:fs/promises";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { hasCode } from "./error-code.ts";

/** The functions that create files; a test replaces them to see the order of the calls. */
export type FileSystem = Pick<typeof promises, "open" | "link" | "rm">;

/** Makes a directory that only its owner can read, with missing parents, unless it exists. It is on disk when this resolves. */
export async function makePrivateDirectory(directory: string): Promise<void> {
  for (const made of await makeDirectories(resolve(directory))) await syncDirectory(dirname(made));
}

/**
 * Node's recursive `mkdir` never ends where the system returns ENOENT although the parent exists, as in /proc.
 *
 * @returns the directories that were made.
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

/** @returns nothing if the directory exists already. */
async function makeSingleDirectory(directory: string): Promise<readonly string[]> {
  try {
    await mkdir(directory, { mode: 0o700 });
    return [directory];
  } catch (error) {
    if (hasCode(error, "EEXIST") && (await stat(directory)).isDirectory()) return [];
    throw error;
  }
}

/** Returns the text of a file, or `undefined` when there is no file. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    // ENOTDIR: a parent in the path is a file.
    if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Replaces a file: a reader finds the old text or the new one, even after a power failure. */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  await writeViaTemporary(path, text, mode, (temporary) => rename(temporary, path), promises);
}

/** A file on disk under a temporary name, until it is placed or discarded. */
export interface StagedFile {
  /** Moves it to its path, and replaces an existing file. */
  place(): Promise<void>;
  discard(): Promise<void>;
}

/** Writes a file under a temporary name. When this resolves, {@link StagedFile.place} needs no more space. */
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

/**
 * Files on disk under a temporary name for `path`: written now by other processes, or left by processes that were killed. Links,
 * directories and pipes are none: a pipe would never be read to its end.
 */
export async function findStagedFiles(path: string): Promise<readonly string[]> {
  const directory = dirname(path);
  const entries = await readdir(directory, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .filter((name) => TEMPORARY_SUFFIX.test(name) && finalName(name) === basename(path))
    .map((name) => join(directory, name));
}

const TEMPORARY_SUFFIX = /\.[0-9a-f]{16}\.tmp$/;

/** The name that a file under a temporary name is to get; any other name as it is. */
export function finalName(name: string): string {
  return name.replace(TEMPORARY_SUFFIX, "");
}

/** A name for a file that is to be at `path` once it is whole. */
export function temporaryName(path: string): string {
  return `${path}.${randomBytes(8).toString("hex")}.tmp`;
}

/**
 * Creates a file unless it exists, and returns whether it did. With O_EXCL, another process could read a file that is not
 * written yet; a hard link is as exclusive and shows complete files only. The file is on disk when this resolves, even if
 * another process created it: data that depends on it must not outlive it.
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
    // The umask clears bits of the mode that a file is created with.
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Flushes the names in a directory to disk. */
export async function syncDirectory(path: string, fs: Pick<FileSystem, "open"> = promises): Promise<void> {
  const directory = await fs.open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
