import { chown, open, readFile, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { hasCode } from "../error-code.ts";
import type { FileSystem } from "../private-files.ts";
import { createFile, readIfPresent, replaceFile, syncDirectory } from "../private-files.ts";
import { SERVICE_KEY_BYTES } from "./keys.ts";

/** How many keys a file may have: those that the store needs, and those that only backups of it still need. */
export const MAX_KEYS_IN_FILE = 16;

const KEY_PATTERN = new RegExp(`^[0-9a-f]{${SERVICE_KEY_BYTES * 2}}$`);
const PERMISSIONS = 0o777;
const MAX_FILE_BYTES = MAX_KEYS_IN_FILE * (SERVICE_KEY_BYTES * 2 + 1);

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
    await createFile(path, formatKeys([random(SERVICE_KEY_BYTES)]), 0o600, fs);
  } catch (cause) {
    if (!hasCode(cause, "EROFS") && !hasCode(cause, "EACCES")) throw cause;
    if ((await readIfPresent(path)) !== undefined) return;
    throw new ServiceKeyFileError(
      `${path}: cannot be written: put a service key there (openssl rand -hex ${SERVICE_KEY_BYTES} prints a new one), or name it with --service-key-file`,
      { cause },
    );
  }
}

/**
 * Reads the service keys of a file, one a line, the newest last.
 *
 * @returns at least one, no two of them the same.
 * @throws ServiceKeyFileError if the file is missing or holds anything else.
 */
export async function readServiceKeyFile(path: string): Promise<readonly Buffer[]> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    if (hasCode(cause, "EACCES")) {
      throw new ServiceKeyFileError(
        `${path}: may not be read by this user. It holds the service key: give it to the user that runs the service`,
        { cause },
      );
    }
    throw new ServiceKeyFileError(
      `${path}: cannot be read. It holds the service key, without which the store cannot be opened: restore it, or name it with --service-key-file`,
      { cause },
    );
  });
  const lines = (text.length > MAX_FILE_BYTES ? "" : text).replace(/\n$/, "").split("\n");
  if (!lines.every((line) => KEY_PATTERN.test(line)) || new Set(lines).size < lines.length) {
    throw new ServiceKeyFileError(
      `${path}: expected ${SERVICE_KEY_BYTES * 2} lower-case hex digits, the service key, or up to ${MAX_KEYS_IN_FILE} different lines of them, the newest last`,
    );
  }
  return lines.map((line) => Buffer.from(line, "hex"));
}

/**
 * Adds a key as the newest. It is on disk when this resolves: a store may name it from then on. The file keeps its mode and its owner.
 *
 * @param present the keys that the file has.
 * @throws ServiceKeyFileError if it cannot be written, or has as many keys as it may.
 */
export async function addServiceKey(
  path: string,
  present: readonly Uint8Array[],
  added: Uint8Array,
): Promise<void> {
  if (present.length >= MAX_KEYS_IN_FILE) {
    throw new ServiceKeyFileError(
      `${path}: has ${present.length} keys already: remove those that neither the store nor a backup needs`,
    );
  }
  const write = async (): Promise<void> => {
    // Through a link, which stays.
    const real = await realpath(path);
    const { mode, uid, gid } = await stat(real);
    await replaceFile(real, formatKeys([...present, added]), mode & PERMISSIONS);
    // Root may do this for the user who runs the service, and who must be able to read it.
    if ((await stat(real)).uid !== uid) await chown(real, uid, gid);
  };
  await write().catch((cause: unknown) => {
    throw new ServiceKeyFileError(
      `${path}: cannot be written. Append a line with the new key, as "openssl rand -hex 32" prints one, and repeat the command`,
      { cause },
    );
  });
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

function formatKeys(keys: readonly Uint8Array[]): string {
  return keys.map((key) => `${Buffer.from(key).toString("hex")}\n`).join("");
}
