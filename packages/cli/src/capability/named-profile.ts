import type { Profile } from "capability-sdk/profiles";
import { listProfiles, readProfile } from "capability-sdk/profiles";
import { CliError } from "../errors/cli-error.ts";
import { shellWord } from "../shell.ts";

export const DEFAULT_PROFILE = "default";

/** The option that names the profile, for a line that a person may copy; nothing for the default one. */
export function profileOption(name: string | undefined): string {
  return name === undefined || name === DEFAULT_PROFILE ? "" : ` --profile ${shellWord(name)}`;
}

/** The command that makes and changes the profile. */
export function configureCommand(name: string | undefined): string {
  return `capi config configure${profileOption(name)}`;
}

/** @throws CliError that names the profiles there are. */
export async function requireProfile(directory: string, name: string, hint: string): Promise<Profile> {
  const profile = await readProfile(directory, name);
  if (profile === undefined) throw await profileNotFound(directory, name, hint);
  return profile;
}

/** @param hint what the person can do about it. */
export async function profileNotFound(directory: string, name: string, hint: string): Promise<CliError> {
  const names = await listProfiles(directory);
  const known = names.length === 0 ? "there is none yet" : `there is ${names.join(", ")}`;
  return new CliError(`no profile "${name}"; ${known}`, hint);
}
