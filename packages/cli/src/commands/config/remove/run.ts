import { removeProfile } from "capability-sdk/profiles";
import { profileNotFound } from "../../../capability/named-profile.ts";
import type { Io } from "../../../io.ts";
import { sanitize } from "../../../terminal.ts";
import { MISSING_PROFILE_HINT } from "../missing-profile-hint.ts";
import type { RemoveInput } from "./spec.ts";

export async function runRemove({ profile: name }: RemoveInput, io: Io): Promise<void> {
  const wasRemoved = await removeProfile(io.profiles, name);
  if (!wasRemoved) throw await profileNotFound(io.profiles, name, MISSING_PROFILE_HINT);
  io.stderr.write(
    `Removed the profile "${sanitize(name)}". Its capabilities still work: anyone with a copy can use them until they are revoked\n`,
  );
}
