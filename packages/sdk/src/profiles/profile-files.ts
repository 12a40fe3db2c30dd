import { chmod, mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ProfileError } from "./error.ts";
import { resolveLinks, hasErrorCode, withLockedFile } from "./locked-file.ts";
import type { ProfileTexts } from "./profile-texts.ts";

/** The keys that lead to the strings of a profile in the documents of each file. */
export const CAPABILITIES_KEY_PATH: readonly string[] = ["membrane", "capabilities"];
export const TRUSTED_CA_KEY_PATH: readonly string[] = ["membrane", "tls", "trustedCA"];

/** Reads both files; a missing one is empty. It takes no lock, since files are only replaced as a whole. */
export function readProfileTexts(directory: string): Promise<ProfileTexts> {
  return wrapSystemErrors(() => read(directory));
}

/**
 * Replaces each file whose text `change` changes, and returns whether there was one. No other process changes a file meanwhile:
 * the lock of the credentials is the lock of both files.
 */
export function updateProfileTexts(
  directory: string,
  change: (texts: ProfileTexts) => ProfileTexts,
): Promise<boolean> {
  return wrapSystemErrors(async () => {
    await ensurePrivateDirectory(directory);
    const credentials = await resolveLinks(join(directory, "credentials"));
    return withLockedFile(credentials, async (file) => {
      const before = await read(directory);
      const after = change(before);
      const isConfigNew = after.config.text !== before.config.text;
      const isCredentialsNew = after.credentials.text !== before.credentials.text;
      // All writes that can fail come before the first replacement. The configuration is replaced first, so that a reader that
      // finds a new capability also finds its certificates.
      if (isCredentialsNew) await file.write(after.credentials.text);
      if (isConfigNew) await replaceConfig(directory, after.config.text);
      if (isCredentialsNew) await file.commit();
      return isConfigNew || isCredentialsNew;
    });
  });
}

async function read(directory: string): Promise<ProfileTexts> {
  const credentials = join(directory, "credentials");
  const config = join(directory, "config");
  return {
    // Read in the opposite order of writing, for the same reason.
    credentials: { path: credentials, text: await readText(credentials), keyPath: CAPABILITIES_KEY_PATH },
    config: { path: config, text: await readText(config), keyPath: TRUSTED_CA_KEY_PATH },
  };
}

async function replaceConfig(directory: string, text: string): Promise<void> {
  const config = await resolveLinks(join(directory, "config"));
  await withLockedFile(config, async (file) => {
    await file.write(text);
    await file.commit();
  });
}

async function ensurePrivateDirectory(directory: string): Promise<void> {
  // Not recursive: a missing home directory is not created.
  await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
    if (!hasErrorCode(error, "EEXIST")) throw error;
  });
  const { mode } = await stat(directory);
  if ((mode & 0o077) !== 0) await chmod(directory, 0o700);
}

/** Enough for hundreds of profiles. The parser's time grows faster than the text. */
const MAX_FILE_BYTES = 1024 * 1024;

async function readText(path: string): Promise<string> {
  try {
    // Reading a pipe in place of the file would never end.
    const found = await stat(path);
    if (!found.isFile()) throw new ProfileError("file_system", `${path}: expected a file`);
    if (found.size > MAX_FILE_BYTES)
      throw new ProfileError("malformed_file", `${path}: expected at most 1 MiB`);
    return decode(path, await readFile(path));
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return "";
    throw error;
  }
}

/** Decodes strictly: bytes that are replaced by U+FFFD would be lost when the file is written. */
function decode(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ProfileError("malformed_file", `${path}: expected text in UTF-8`);
  }
}

async function wrapSystemErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new ProfileError("file_system", `the profile files cannot be used: ${error.message}`, {
      cause: error,
    });
  }
}
