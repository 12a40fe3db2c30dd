import { chmod, mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ProfileError } from "./error.ts";
import { resolveLinks, hasErrorCode, withLockedFile } from "./locked-file.ts";
import type { ProfileTexts } from "./profile-texts.ts";
import { CAPABILITIES_KEY_PATH, TRUSTED_CA_KEY_PATH } from "./profile-texts.ts";

/** Both files as they are; a missing one is empty. Takes no lock: files are only ever replaced whole. */
export function readProfileTexts(directory: string): Promise<ProfileTexts> {
  return wrapSystemErrors(() => read(directory));
}

/**
 * Replaces each file whose text `change` changes, and says whether any was. What `change` sees stays so until its
 * answer is in place: the lock of the credentials is the lock of both files.
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
      // All that can fail comes before anything is in place. Then the configuration first: who finds a new capability
      // also finds the certificates to use it with.
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
  // Not with its parents: a home that is missing is not ours to make.
  await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
    if (!hasErrorCode(error, "EEXIST")) throw error;
  });
  const { mode } = await stat(directory);
  if ((mode & 0o077) !== 0) await chmod(directory, 0o700);
}

/** Hundreds of profiles. The time that the parser takes grows faster than the text. */
const MAX_FILE_BYTES = 1024 * 1024;

async function readText(path: string): Promise<string> {
  try {
    // A pipe in its place would be waited for without end.
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

/** Strict, since what is replaced by U+FFFD while reading would be lost when the file is written again. */
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
