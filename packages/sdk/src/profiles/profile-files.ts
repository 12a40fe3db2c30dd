import { chmod, mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ProfileError } from "./error.ts";
import { followLinks, hasCode, withLockedFile } from "./locked-file.ts";
import type { ProfileTexts } from "./profile-texts.ts";
import { CAPABILITIES_PLACE, TRUSTED_CA_PLACE } from "./profile-texts.ts";

/** Both files as they are; a missing one is empty. Takes no lock: files are only ever replaced whole. */
export function readTexts(directory: string): Promise<ProfileTexts> {
  return namingFaults(() => read(directory));
}

/**
 * Replaces each file whose text `change` changes, and says whether any was. What `change` sees stays so until its
 * answer is in place: the lock of the credentials is the lock of both files.
 */
export function changeTexts(
  directory: string,
  change: (texts: ProfileTexts) => ProfileTexts,
): Promise<boolean> {
  return namingFaults(async () => {
    await makePrivate(directory);
    const credentials = await followLinks(join(directory, "credentials"));
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
    credentials: { path: credentials, text: await readText(credentials), place: CAPABILITIES_PLACE },
    config: { path: config, text: await readText(config), place: TRUSTED_CA_PLACE },
  };
}

async function replaceConfig(directory: string, text: string): Promise<void> {
  const config = await followLinks(join(directory, "config"));
  await withLockedFile(config, async (file) => {
    await file.write(text);
    await file.commit();
  });
}

async function makePrivate(directory: string): Promise<void> {
  // Not with its parents: a home that is missing is not ours to make.
  await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
    if (!hasCode(error, "EEXIST")) throw error;
  });
  const { mode } = await stat(directory);
  if ((mode & 0o077) !== 0) await chmod(directory, 0o700);
}

/** Hundreds of profiles. The time that the parser takes grows faster than the text. */
const LONGEST_FILE = 1024 * 1024;

async function readText(path: string): Promise<string> {
  try {
    // A pipe in its place would be waited for without end.
    const found = await stat(path);
    if (!found.isFile()) throw new ProfileError("file_system", `${path}: expected a file`);
    if (found.size > LONGEST_FILE)
      throw new ProfileError("malformed_file", `${path}: expected at most 1 MiB`);
    return decode(path, await readFile(path));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "";
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

async function namingFaults<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new ProfileError("file_system", `the profile files cannot be used: ${error.message}`, {
      cause: error,
    });
  }
}
