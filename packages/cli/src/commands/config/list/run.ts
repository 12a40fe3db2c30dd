import type { Profile } from "capability-sdk/profiles";
import { requireProfile } from "../../../capability/named-profile.ts";
import type { Io } from "../../../io.ts";
import { formatJson } from "../../../output.ts";
import { MISSING_PROFILE_HINT } from "../missing-profile-hint.ts";
import { describeCertificates, previewCapability } from "../preview.ts";
import type { ProfileInput } from "../profile-input.ts";

export { read } from "../profile-input.ts";

/** Prints a profile with its capabilities shortened: no whole capability is ever printed. */
export async function run({ profile: name }: ProfileInput, io: Io): Promise<void> {
  const profile = await requireProfile(await io.profiles(), name, MISSING_PROFILE_HINT);
  io.stdout.write(formatJson(describeProfile(profile)));
}

function describeProfile({ name, capabilities, trustedCA }: Profile): object {
  return {
    profile: name,
    membrane: {
      capabilities: mapValues(capabilities, previewCapability),
      trustedCA: mapValues(trustedCA, describeCertificates),
    },
  };
}

function mapValues(texts: object, map: (text: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, map(String(text))]));
}
