import type { Authority } from "capability-protocol";
import { normalizeAuthority } from "capability-protocol";
import { parseCertificates } from "capability-sdk/pem";
import type { Profile } from "capability-sdk/profiles";
import { configureLine } from "../capability/named-profile.ts";
import type { Trust } from "../command-line/command.ts";
import { Failure } from "../failure/failure.ts";
import { readCaFile } from "./ca-file.ts";
import { caFor } from "./ca-for.ts";
import { readTrustFile } from "./trust-file.ts";

/**
 * PEM of the CAs that replace the system's for one authority: those of the CA file, else those that the file of
 * authorities has for it, else those of the profile. `undefined`: the system's.
 *
 * @param authority of the capability that is used.
 * @throws Failure that names the option, or the profile, whose certificates are none.
 */
export async function readCa(
  { caFile, trustedCaFile }: Pick<Trust, "trustedCaFile" | "caFile">,
  profile: Profile | undefined,
  authority: Authority,
): Promise<string | undefined> {
  const given = caFile === undefined ? undefined : await readGivenCa(caFile);
  const listed = trustedCaFile === undefined ? undefined : await readTrustFile(trustedCaFile);
  return given ?? listed?.get(normalizeAuthority(authority)) ?? caOfProfile(profile, authority);
}

async function readGivenCa(path: string): Promise<string> {
  const pem = await readCaFile(path);
  if (pem.ok) return pem.value;
  throw new Failure(
    `--cacert: expected ${pem.problem.expected}`,
    "A service that made its own CA keeps it in its data directory, at tls/ca.pem.",
  );
}

function caOfProfile(profile: Profile | undefined, authority: Authority): string | undefined {
  if (profile === undefined) return undefined;
  const { name, trustedCA } = profile;
  const pem = caFor(authority, trustedCA);
  if (pem === undefined || parseCertificates(pem) !== undefined) return pem;
  throw new Failure(
    `the CA for ${authority} in the profile "${name}" is no certificate in PEM`,
    `${configureLine(name)} --cacert FILE   replaces it.`,
  );
}
