import { parseCertificates } from "capability-sdk/pem";
import { requireProfile } from "../../../capability/named-profile.ts";
import { configureCommand } from "../../../capability/profile-option.ts";
import { CliError } from "../../../errors/cli-error.ts";
import type { Io } from "../../../io.ts";
import { MISSING_PROFILE_HINT } from "../missing-profile-hint.ts";
import type { ProfileInput } from "../profile-input.ts";

export { read } from "../profile-input.ts";

/** Writes each certificate once, and nothing else that a file in the profile may hold. */
export async function run({ profile: name }: ProfileInput, io: Io): Promise<void> {
  const { trustedCA } = await requireProfile(await io.profiles(), name, MISSING_PROFILE_HINT);
  const certificates = Object.entries(trustedCA).flatMap(([authority, pem]) => {
    const parsed = parseCertificates(pem);
    if (parsed === undefined) throw new CliError(`the profile's CA of ${authority} is not a certificate`);
    return parsed.map((certificate) => certificate.toString());
  });
  if (certificates.length === 0) {
    throw new CliError(
      `the profile "${name}" has no CA`,
      `${configureCommand(name)} --cacert FILE   keeps one. A service that a public authority certifies needs none.`,
    );
  }
  io.stdout.write([...new Set(certificates)].join(""));
}
