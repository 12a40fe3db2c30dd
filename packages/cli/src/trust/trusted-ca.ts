import type { Authority } from "capability-protocol";
import { normalizeAuthority } from "capability-protocol/authority";
import { parseCertificates } from "capability-sdk/pem";
import type { Profile } from "capability-sdk/profiles";
import { configureCommand } from "../capability/profile-option.ts";
import { CliError } from "../errors/cli-error.ts";
import { readCaFile } from "./ca-file.ts";
import { findCa } from "./find-ca.ts";
import { readTrustFile } from "./trust-file.ts";
import type { TrustOptions } from "./trust-options.ts";

/**
 * Reads the PEM of the CAs that replace the system's for one authority: those in the CA file, else those in the file of
 * authorities, else those of the profile. `undefined` means the system's.
 *
 * @param authority the authority of the capability that is used.
 * @throws CliError that names the option or the profile whose certificates are invalid.
 */
export async function readCa(
  { caFile, trustedCaFile }: Pick<TrustOptions, "trustedCaFile" | "caFile">,
  profile: Profile | undefined,
  authority: Authority,
): Promise<string | undefined> {
  const fromOption = caFile === undefined ? undefined : await readOptionCa(caFile);
  const fromTrustFile = trustedCaFile === undefined ? undefined : await readTrustFile(trustedCaFile);
  return fromOption ?? fromTrustFile?.get(normalizeAuthority(authority)) ?? readProfileCa(profile, authority);
}

async function readOptionCa(path: string): Promise<string> {
  const pem = await readCaFile(path);
  if (pem.ok) return pem.value;
  throw new CliError(
    `--cacert: expected ${pem.error.expected}`,
    "A service with a private CA has it at tls/ca.pem in its data directory.",
  );
}

function readProfileCa(profile: Profile | undefined, authority: Authority): string | undefined {
  if (profile === undefined) return undefined;
  const { name, trustedCA } = profile;
  const pem = findCa(authority, trustedCA);
  if (pem === undefined || parseCertificates(pem) !== undefined) return pem;
  throw new CliError(
    `profile "${name}": the CA for ${authority} is not a certificate in PEM`,
    `${configureCommand(name)} --cacert FILE   replaces it.`,
  );
}
