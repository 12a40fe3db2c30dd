import { shellWord } from "../shell.ts";

export const DEFAULT_PROFILE = "default";

/** Returns the option that names the profile, for a command line that a person may copy; empty for the default profile. */
export function profileOption(name: string | undefined): string {
  return name === undefined || name === DEFAULT_PROFILE ? "" : ` --profile ${shellWord(name)}`;
}

export function configureCommand(name: string | undefined): string {
  return `capi config configure${profileOption(name)}`;
}
