import { readFile } from "node:fs/promises";
import type { FileSystem } from "../private-files.ts";
import { createFile } from "../private-files.ts";
import { SERVICE_KEY_BYTES } from "./keys.ts";

const KEY_PATTERN = new RegExp(`^[0-9a-f]{${SERVICE_KEY_BYTES * 2}}\n?$`);

/** A service key file that cannot be used. The message names the file and says what to do. */
export class ServiceKeyFileError extends Error {
  override readonly name = "ServiceKeyFileError";
  readonly code = "service_key_file";
}

/** Writes a new service key, unless there is a file: 0600, synced with its directory before anything rests on it. */
export async function createServiceKeyFile(
  path: string,
  random: (size: number) => Uint8Array,
  fs?: FileSystem,
): Promise<void> {
  await createFile(path, `${Buffer.from(random(SERVICE_KEY_BYTES)).toString("hex")}\n`, 0o600, fs);
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
