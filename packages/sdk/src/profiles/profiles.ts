import { isAbsolute, join } from "node:path";
import { ProfileError } from "./error.ts";
import type { Profile } from "./profile.ts";
import { assertProfile } from "./profile.ts";
import type { ProfileTexts } from "./profile-texts.ts";

/**
 * Returns the directory of the profile files, `.capability` in the given home directory.
 *
 * @throws {ProfileError} `invalid_profile` unless the path is absolute: secrets would be written to the working directory,
 * perhaps in a repository.
 *
 * @example
 * profileDirectory("/home/me"); // => "/home/me/.capability"
 */
export function profileDirectory(home: string): string {
  if (!isAbsolute(home)) {
    throw new ProfileError(
      "invalid_profile",
      "home directory: expected an absolute path; set the variable HOME",
    );
  }
  return join(home, ".capability");
}

/**
 * Reads the profile with this name; `undefined` when neither file has it. Of several documents with the same name, the first
 * counts.
 *
 * @throws ProfileError `malformed_file`, `file_system`
 *
 * @example
 * const directory = profileDirectory(HOME);
 * await readProfile(directory, "work"); // => undefined
 */
export async function readProfile(directory: string, name: string): Promise<Profile | undefined> {
  const texts = await readTexts(directory);
  if (isEmpty(texts)) return undefined;
  const { findProfile } = await import("./profile-texts.ts");
  return findProfile(texts, name);
}

/**
 * Lists the names of all profiles, each once: in the order of the credentials, then those that only the configuration has.
 *
 * @throws ProfileError `malformed_file`, `file_system`
 *
 * @example
 * const directory = profileDirectory(HOME);
 * await listProfiles(directory); // => []
 */
export async function listProfiles(directory: string): Promise<readonly string[]> {
  const texts = await readTexts(directory);
  if (isEmpty(texts)) return [];
  const { listProfileNames } = await import("./profile-texts.ts");
  return listProfileNames(texts);
}

/**
 * Adds a profile and returns true, or returns false and changes nothing when either file has one with that name. When several
 * processes create the same profile, one of them gets true.
 *
 * The directory is made if it is missing, and is 0700 afterwards; files that were written are 0600. Waits up to five
 * seconds for another process that is changing the profiles.
 *
 * @throws ProfileError `invalid_profile`, `malformed_file`, `locked`, `unchangeable_document`, `file_system`
 *
 * @example
 * const directory = profileDirectory(HOME);
 * const profile = { name: "work", capabilities: { create: CREATE_URI }, trustedCA: {} };
 * await createProfile(directory, profile); // => true
 * await createProfile(directory, profile); // => false
 */
export async function createProfile(directory: string, profile: Profile): Promise<boolean> {
  assertProfile(profile);
  const { listProfileNames, withProfile } = await import("./profile-texts.ts");
  return updateTexts(directory, (texts) =>
    listProfileNames(texts).includes(profile.name) ? texts : withProfile(texts, profile),
  );
}

/**
 * Sets the capabilities and authorities that `change` names, each separately, and creates the profile if it is missing. Other
 * profiles stay byte for byte; in the changed one, other keys and comments stay, in the format of the `yaml` package. When
 * nothing would change, nothing is written. Directory, modes and waiting are those of `createProfile`.
 *
 * @throws ProfileError `invalid_profile`, `malformed_file`, `duplicate_profile`, `locked`, `unchangeable_document`,
 * `file_system`
 *
 * @example
 * const directory = profileDirectory(HOME);
 * await changeProfile(directory, { name: "work", capabilities: { create: CREATE_URI }, trustedCA: {} });
 * await changeProfile(directory, { name: "work", capabilities: { query: QUERY_URI }, trustedCA: {} });
 * (await readProfile(directory, "work"))?.capabilities; // => { create: CREATE_URI, query: QUERY_URI }
 */
export async function changeProfile(directory: string, change: Profile): Promise<void> {
  assertProfile(change);
  const { withProfile } = await import("./profile-texts.ts");
  await updateTexts(directory, (texts) => withProfile(texts, change));
}

/**
 * Removes every document with this name from both files, and returns whether there was one.
 *
 * @throws ProfileError `malformed_file`, `locked`, `unchangeable_document`, `file_system`
 *
 * @example
 * const directory = profileDirectory(HOME);
 * await removeProfile(directory, "work"); // => false
 */
export async function removeProfile(directory: string, name: string): Promise<boolean> {
  // Returns before the directory would be created.
  if ((await readProfile(directory, name)) === undefined) return false;
  const { withoutProfile } = await import("./profile-texts.ts");
  return updateTexts(directory, (texts) => withoutProfile(texts, name));
}

async function readTexts(directory: string): Promise<ProfileTexts> {
  const { readProfileTexts } = await import("./profile-files.ts");
  return readProfileTexts(directory);
}

async function updateTexts(
  directory: string,
  change: (texts: ProfileTexts) => ProfileTexts,
): Promise<boolean> {
  const { updateProfileTexts } = await import("./profile-files.ts");
  return updateProfileTexts(directory, change);
}

/** Whether there is nothing to parse: the parser for YAML takes longer to load than all other files together. */
function isEmpty({ credentials, config }: ProfileTexts): boolean {
  return credentials.text === "" && config.text === "";
}
