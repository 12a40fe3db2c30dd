import { join } from "node:path";
import {
  PROFILE_NAME_EXPECTED,
  type Profile,
  changeProfile,
  isProfileName,
  readProfile,
} from "capability-sdk/profiles";
import { CliError } from "../../../errors/cli-error.ts";
import type { Io } from "../../../io.ts";
import { askForProfile } from "./dialogue.ts";
import { hasFlags, readFlags } from "./flags.ts";
import type { ConfigureInput } from "./read.ts";

export { read } from "./read.ts";

/**
 * Stores capabilities, and the CA to trust for their authorities, in a profile: the values of the flags or, without flags, those
 * that the user types at the terminal. Other saved values stay.
 *
 * @throws CliError, ProfileError
 */
export async function run(input: ConfigureInput, io: Io): Promise<void> {
  const directory = await io.profiles();
  const saved = await readProfile(directory, input.profile);
  // Checked before the first question.
  if (saved === undefined && !isProfileName(input.profile)) {
    throw new CliError(`--profile: expected ${PROFILE_NAME_EXPECTED}`);
  }
  const change = await readChange(input, saved, io);
  if (isEmptyProfile(change)) return void io.stderr.write("No values were given; nothing was changed\n");
  await changeProfile(directory, change);
  const file = isEmptyObject(change.capabilities) ? "config" : "credentials";
  io.stderr.write(`Saved the profile "${change.name}" in ${join(directory, file)}\n`);
}

async function readChange(input: ConfigureInput, saved: Profile | undefined, io: Io): Promise<Profile> {
  if (hasFlags(input)) return readFlags(input, saved);
  if (io.stdin.isTTY === true) return askForProfile(input.profile, saved, io);
  throw new CliError(
    "no values to store, and no terminal to ask for them",
    "Give --create URI, --query URI, --delete-self URI or --cacert FILE.",
  );
}

function isEmptyProfile({ capabilities, trustedCA }: Profile): boolean {
  return isEmptyObject(capabilities) && isEmptyObject(trustedCA);
}

function isEmptyObject(named: object): boolean {
  return Object.keys(named).length === 0;
}
