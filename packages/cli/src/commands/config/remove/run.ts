import { removeProfile } from "capability-sdk/profiles";
import { profileNotFound } from "../../../capability/named-profile.ts";
import type { Io } from "../../../io.ts";
import { sanitize } from "../../../terminal.ts";
import { MISSING_PROFILE_HINT } from "../missing-profile-hint.ts";
import type { RemoveInput } from "./read.ts";

export { read } from "./read.ts";

export async function run({ profile: name }: RemoveInput, io: Io): Promise<void> {
  const wasRemoved = await removeProfile(await io.profiles(), name);
  if (!wasRemoved) throw await profileNotFound(await io.profiles(), name, MISSING_PROFILE_HINT);
  io.stderr.write(
    `Removed the profile "${sanitize(name)}". Its capabilities still work: anyone with a copy can use them until they are revoked\n`,
  );
}
