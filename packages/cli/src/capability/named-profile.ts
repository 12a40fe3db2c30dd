import type { Profile } from "capability-sdk/profiles";
import { listProfiles, readProfile } from "capability-sdk/profiles";
import { CliError } from "../errors/cli-error.ts";

/** @throws CliError that names the existing profiles. */
export async function requireProfile(directory: string, name: string, hint: string): Promise<Profile> {
  const profile = await readProfile(directory, name);
  if (profile === undefined) throw await profileNotFound(directory, name, hint);
  return profile;
}

/** @param hint what the user can do about it. */
export async function profileNotFound(directory: string, name: string, hint: string): Promise<CliError> {
  const names = await listProfiles(directory);
  const known = names.length === 0 ? "there are no profiles yet" : `the profiles are ${names.join(", ")}`;
  return new CliError(`no profile "${name}"; ${known}`, hint);
}
