import { isAbsolute, join } from "node:path";
import { ProfileError } from "./error.ts";
import { updateProfileTexts, readProfileTexts } from "./profile-files.ts";
import { listProfileNames, findProfile, withProfile, withoutProfile } from "./profile-texts.ts";
import type { Profile } from "./profile.ts";
import { assertProfile } from "./profile.ts";

/**
 * Where the profile files of a person are: `.capability` in their home directory, which the caller names.
 *
 * @throws {ProfileError} `invalid_profile` unless the path is absolute: secrets would end up in the working
 * directory, perhaps in a repository.
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
 * The profile of this name, or `undefined` when neither file has it. Of several documents of one name the first counts.
 *
 * @throws ProfileError `malformed_file`, `file_system`
 *
 * @example
 * const directory = profileDirectory(HOME);
 * await readProfile(directory, "work"); // => undefined
 */
export async function readProfile(directory: string, name: string): Promise<Profile | undefined> {
  return findProfile(await readProfileTexts(directory), name);
}

/**
 * The names of all profiles, each once: in the order of the credentials, then those that only the configuration has.
 *
 * @throws ProfileError `malformed_file`, `file_system`
 *
 * @example
 * const directory = profileDirectory(HOME);
 * await listProfiles(directory); // => []
 */
export async function listProfiles(directory: string): Promise<readonly string[]> {
  return listProfileNames(await readProfileTexts(directory));
}

/**
 * Adds a profile and says so, or answers `false` and changes nothing when either file has one of that name. Of several
 * processes that create the same one, one is told `true`.
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
  return updateProfileTexts(directory, (texts) =>
    listProfileNames(texts).includes(profile.name) ? texts : withProfile(texts, profile),
  );
}

/**
 * Puts what `change` names over what the profile has, each capability and each authority by itself, and makes the
 * profile if it is missing. Other profiles stay byte for byte; in the one that is changed other keys and comments stay,
 * in the layout of the `yaml` package. When nothing would change, nothing is written. Directory, modes and waiting are
 * those of `createProfile`.
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
  await updateProfileTexts(directory, (texts) => withProfile(texts, change));
}

/**
 * Takes every document of this name out of both files, and says whether there was one.
 *
 * @throws ProfileError `malformed_file`, `locked`, `unchangeable_document`, `file_system`
 *
 * @example
 * const directory = profileDirectory(HOME);
 * await removeProfile(directory, "work"); // => false
 */
export async function removeProfile(directory: string, name: string): Promise<boolean> {
  // A directory is not made in order to find nothing in it.
  if ((await readProfile(directory, name)) === undefined) return false;
  return updateProfileTexts(directory, (texts) => withoutProfile(texts, name));
}
