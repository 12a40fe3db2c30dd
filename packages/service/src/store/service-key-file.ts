import { chown, open, readFile, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import { hasCode } from "../error-code.ts";
import type { FileSystem } from "../private-files.ts";
import { createFile, readIfPresent, replaceFile, syncDirectory } from "../private-files.ts";
import type { FileKey, NamedKey } from "./keys.ts";
import { SERVICE_KEY_BYTES, unretiredLines } from "./keys.ts";
import type { KeySource } from "./rotation/rotate-keys.ts";

/** How many keys a file may have: those that the store needs, and those that only backups of it still need. */
export const MAX_KEYS_IN_FILE = 16;

/** What a line begins with whose key was rotated away. */
const RETIRED = "retired ";
const LINE_PATTERN = new RegExp(`^(${RETIRED})?([0-9a-f]{${SERVICE_KEY_BYTES * 2}})$`);
const PERMISSIONS = 0o777;
const MAX_FILE_BYTES = MAX_KEYS_IN_FILE * (RETIRED.length + SERVICE_KEY_BYTES * 2 + 1);

/** A service key file that cannot be used. The message names the file and says what to do. */
export class ServiceKeyFileError extends Error {
  override readonly name = "ServiceKeyFileError";
  readonly code = "service_key_file";
}

/**
 * Writes a new service key, unless there is a file: 0600, synced with its directory before anything rests on it. A file in a
 * directory that cannot be written, as a credential of systemd or a Secret of Kubernetes, is the operator's to keep.
 *
 * @throws ServiceKeyFileError if there is none, and none can be written.
 */
export async function createServiceKeyFile(
  path: string,
  random: (size: number) => Uint8Array,
  fs?: FileSystem,
): Promise<void> {
  try {
    await createFile(path, `${hexOf(random(SERVICE_KEY_BYTES))}\n`, 0o600, fs);
  } catch (cause) {
    if (!hasCode(cause, "EROFS") && !hasCode(cause, "EACCES")) throw cause;
    if ((await readIfPresent(path)) !== undefined) return;
    throw new ServiceKeyFileError(
      `${path}: cannot be written: put a service key there (openssl rand -hex ${SERVICE_KEY_BYTES} prints a new one), or name it with --service-key-file`,
      { cause },
    );
  }
}

const PROBLEMS: readonly (readonly [code: string, problem: string])[] = [
  ["ENOENT", "is missing"],
  ["EISDIR", "is a directory"],
];

/**
 * Reads the service keys of a file, one a line, the newest last. The word `retired` and a space are before a key that was rotated away.
 *
 * @returns at least one, no two of them the same, and the last one not retired.
 * @throws ServiceKeyFileError if the file is missing or holds anything else. It names the line, and nothing of what the line holds.
 */
export async function readServiceKeyFile(path: string): Promise<readonly FileKey[]> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    if (hasCode(cause, "EACCES")) {
      throw new ServiceKeyFileError(
        `${path}: may not be read by this user. It holds the service key: give it to the user that runs the service`,
        { cause },
      );
    }
    const problem = PROBLEMS.find(([code]) => hasCode(cause, code))?.[1] ?? "cannot be read";
    throw new ServiceKeyFileError(
      `${path}: ${problem}. It holds the service key, without which the store cannot be opened: restore it, or name it with --service-key-file`,
      { cause },
    );
  });
  const lines = text.slice(0, MAX_FILE_BYTES).replace(/\n$/, "").split("\n");
  if (text.length > MAX_FILE_BYTES || lines.length > MAX_KEYS_IN_FILE)
    throw new ServiceKeyFileError(
      `${path}: is too long: expected up to ${MAX_KEYS_IN_FILE} lines with a service key each`,
    );
  const problem = (at: number, what: string): ServiceKeyFileError =>
    new ServiceKeyFileError(`${path}: line ${at + 1}: ${what}`);
  const fileKeys = lines.map((line, at): FileKey => {
    const [, retired, key] = LINE_PATTERN.exec(line) ?? [];
    if (key === undefined)
      throw problem(
        at,
        `expected ${SERVICE_KEY_BYTES * 2} lower-case hex digits, a service key, after "${RETIRED}" if it was rotated away`,
      );
    return { serviceKey: Buffer.from(key, "hex"), isRetired: retired !== undefined };
  });
  for (const [at, { serviceKey }] of fileKeys.entries()) {
    const first = fileKeys.findIndex((other) => other.serviceKey.equals(serviceKey));
    if (first < at) throw problem(at, `has the same key as line ${first + 1}: remove one of them`);
  }
  const last = fileKeys.length - 1;
  if (fileKeys[last]?.isRetired === true)
    throw problem(
      last,
      `marks the last key as retired, which is the newest one: the file lacks the key that has replaced it`,
    );
  return fileKeys;
}

/** Opens a service key file for a rotation. @throws ServiceKeyFileError as {@link readServiceKeyFile}. */
export async function openKeySource(path: string): Promise<KeySource> {
  const fileKeys = await readServiceKeyFile(path);
  return {
    fileKeys,
    add: (added) => addServiceKey(path, fileKeys, added),
    sync: () => syncServiceKeyFile(path),
    retire: (inUse) => retireOlderKeys(path, inUse),
  };
}

/**
 * Adds a key as the newest. It is on disk when this resolves: a store may name it from then on. The file keeps its mode and its owner.
 *
 * @param present the keys that the file has.
 * @throws ServiceKeyFileError if it cannot be written, or has as many keys as it may.
 */
export async function addServiceKey(
  path: string,
  present: readonly FileKey[],
  added: Uint8Array,
): Promise<void> {
  if (present.length >= MAX_KEYS_IN_FILE) {
    throw new ServiceKeyFileError(
      `${path}: has ${present.length} keys already: remove those that neither the store nor a backup needs`,
    );
  }
  const fileKeys = [...present, { serviceKey: Buffer.from(added), isRetired: false }];
  await replaceKeys(path, fileKeys).catch((cause: unknown) => {
    throw new ServiceKeyFileError(
      `${path}: cannot be written. Append a line with the new key, as "openssl rand -hex 32" prints one, and repeat the command`,
      { cause },
    );
  });
}

/** Lines that are still to be marked as retired, since the file cannot be written. */
export interface UnretiredLines {
  readonly lines: readonly number[];
  readonly cause: unknown;
}

/**
 * Marks the keys before the one that a store uses as retired. Those after it, for a rotation to come, stay as they are.
 *
 * @returns the lines that it has marked, from 1. They are on disk.
 * @throws ServiceKeyFileError as {@link readServiceKeyFile}.
 */
export async function retireOlderKeys(
  path: string,
  inUse: Pick<NamedKey, "checkValue">,
): Promise<Result<readonly number[], UnretiredLines>> {
  const fileKeys = await readServiceKeyFile(path);
  const lines = unretiredLines(fileKeys, inUse);
  if (lines.length === 0) return ok(lines);
  const marked = fileKeys.map(({ serviceKey, isRetired }, at) => ({
    serviceKey,
    isRetired: isRetired || lines.includes(at + 1),
  }));
  try {
    await replaceKeys(path, marked);
    return ok(lines);
  } catch (cause) {
    return err({ lines, cause });
  }
}

/** Keeps the mode and the owner of the file. */
async function replaceKeys(path: string, fileKeys: readonly FileKey[]): Promise<void> {
  const text = fileKeys.map(
    ({ serviceKey, isRetired }) => `${isRetired ? RETIRED : ""}${hexOf(serviceKey)}\n`,
  );
  // Through a link, which stays.
  const real = await realpath(path);
  const { mode, uid, gid } = await stat(real);
  await replaceFile(real, text.join(""), mode & PERMISSIONS);
  // Root may do this for the user who runs the service, and who must be able to read it.
  if ((await stat(real)).uid !== uid) await chown(real, uid, gid);
}

/** Resolves when a key is on disk that another program has put into the file, so that a store may name it. */
export async function syncServiceKeyFile(path: string): Promise<void> {
  const real = await realpath(path);
  const file = await open(real, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(dirname(real));
}

function hexOf(serviceKey: Uint8Array): string {
  return Buffer.from(serviceKey).toString("hex");
}
