import type { Profile } from "capability-sdk/profiles";
import { listProfiles, readProfile } from "capability-sdk/profiles";
import { Failure } from "../failure/failure.ts";
import { shellWord } from "../shell.ts";

export const DEFAULT_PROFILE = "default";

/** The option that names the profile, for a line that a person may copy; nothing for the default one. */
export function profileOption(name: string | undefined): string {
  return name === undefined || name === DEFAULT_PROFILE ? "" : ` --profile ${shellWord(name)}`;
}

/** The command that makes and changes the profile. */
export function configureLine(name: string | undefined): string {
  return `capi config configure${profileOption(name)}`;
}

/** @throws Failure that names the profiles there are. */
export async function requireProfile(directory: string, name: string, next: string): Promise<Profile> {
  const profile = await readProfile(directory, name);
  if (profile === undefined) throw await noProfile(directory, name, next);
  return profile;
}

/** @param next what the person can do about it. */
export async function noProfile(directory: string, name: string, next: string): Promise<Failure> {
  const names = await listProfiles(directory);
  const known = names.length === 0 ? "there is none yet" : `there is ${names.join(", ")}`;
  return new Failure(`no profile "${name}"; ${known}`, next);
}
