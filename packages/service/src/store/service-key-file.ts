import { readFile } from "node:fs/promises";
import { hasCode } from "../error-code.ts";
import type { FileSystem } from "../private-files.ts";
import { createFile, readIfPresent } from "../private-files.ts";
import { SERVICE_KEY_BYTES } from "./keys.ts";

const KEY_PATTERN = new RegExp(`^[0-9a-f]{${SERVICE_KEY_BYTES * 2}}\n?$`);

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
  const text = `${Buffer.from(random(SERVICE_KEY_BYTES)).toString("hex")}\n`;
  try {
    await createFile(path, text, 0o600, fs);
  } catch (cause) {
    if (!hasCode(cause, "EROFS") && !hasCode(cause, "EACCES")) throw cause;
    if ((await readIfPresent(path)) !== undefined) return;
    throw new ServiceKeyFileError(
      `${path}: cannot be written: put a service key there (openssl rand -hex ${SERVICE_KEY_BYTES} prints a new one), or name it with --service-key-file`,
      { cause },
    );
  }
}

/** @throws ServiceKeyFileError if the file is missing or holds no key. */
export async function readServiceKeyFile(path: string): Promise<Buffer> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new ServiceKeyFileError(
      `${path}: cannot be read. It holds the service key, without which the store cannot be opened: restore it, or name it with --service-key-file`,
      { cause },
    );
  });
  if (!KEY_PATTERN.test(text)) {
    throw new ServiceKeyFileError(
      `${path}: expected ${SERVICE_KEY_BYTES * 2} lower-case hex digits, the service key`,
    );
  }
  return Buffer.from(text.trim(), "hex");
}
