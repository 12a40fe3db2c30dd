import { join } from "node:path";
import {
  PROFILE_NAME_EXPECTED,
  type Profile,
  changeProfile,
  isProfileName,
  readProfile,
} from "capability-sdk/profiles";
import type { ConfigureCommand } from "../../command-line/command.ts";
import { Failure } from "../../failure/failure.ts";
import type { World } from "../../world.ts";
import { askForProfile } from "./dialogue.ts";
import { isAnyGiven, readFlags } from "./flags.ts";

/**
 * Stores capabilities, and the CA to trust for their authorities, in a profile: those that flags give or, without
 * flags, those that the person at the terminal gives. What is not given stays as it is saved.
 *
 * @throws Failure, ProfileError
 */
export async function configure(command: ConfigureCommand, world: World): Promise<void> {
  const saved = await readProfile(world.profiles, command.profile);
  // Before anybody is asked for anything.
  if (saved === undefined && !isProfileName(command.profile)) {
    throw new Failure(`--profile: expected ${PROFILE_NAME_EXPECTED}`);
  }
  const change = await readChange(command, saved, world);
  if (isEmpty(change)) return void world.stderr.write("Nothing was given, nothing was changed\n");
  await changeProfile(world.profiles, change);
  const file = isNone(change.capabilities) ? "config" : "credentials";
  world.stderr.write(`Saved the profile "${change.name}" in ${join(world.profiles, file)}\n`);
}

async function readChange(
  command: ConfigureCommand,
  saved: Profile | undefined,
  world: World,
): Promise<Profile> {
  if (isAnyGiven(command)) return readFlags(command, saved);
  if (world.stdin.isTTY === true) return askForProfile(command.profile, saved, world);
  throw new Failure(
    "nothing to store, and no terminal to ask at",
    "Give --create URI, --query URI, --delete-self URI or --cacert FILE.",
  );
}

function isEmpty({ capabilities, trustedCA }: Profile): boolean {
  return isNone(capabilities) && isNone(trustedCA);
}

function isNone(named: object): boolean {
  return Object.keys(named).length === 0;
}
