import type { Profile } from "capability-sdk/profiles";
import {
  authoritiesOf,
  formatCapabilities,
  parseSavedCapabilities,
} from "../../../capability/tenant-capabilities.ts";
import { CliError } from "../../../errors/cli-error.ts";
import { readCaFile } from "../../../trust/ca-file.ts";
import type { ConfigureInput } from "./read.ts";

/** Whether flags give values to store. The command then asks no questions, since scripts also run in terminals. */
export function hasFlags({ capabilityUris, cacert }: ConfigureInput): boolean {
  return cacert !== undefined || Object.values(capabilityUris).some((uri) => uri !== undefined);
}

/**
 * Returns the changes to the profile. The CA is for the authorities of the capabilities that are given with it, or of the saved
 * ones when none is given.
 *
 * @throws CliError that names the flag, and never its value.
 */
export async function readFlags(input: ConfigureInput, saved: Profile | undefined): Promise<Profile> {
  const { profile: name, capabilityUris, cacert } = input;
  const capabilities = formatCapabilities(capabilityUris);
  if (cacert === undefined) return { name, capabilities, trustedCA: {} };
  const authorities = [capabilityUris, parseSavedCapabilities(saved?.capabilities ?? {})]
    .map(authoritiesOf)
    .find((found) => found.length > 0);
  if (authorities === undefined) throw missingAuthority();
  const pem = await readCaFile(cacert);
  if (!pem.ok) throw new CliError(`--cacert: expected ${pem.error.expected}`);
  const trustedCA = Object.fromEntries(authorities.map((authority) => [authority, pem.value]));
  return { name, capabilities, trustedCA };
}

function missingAuthority(): CliError {
  return new CliError(
    "--cacert: without a given or saved capability there is no authority to trust the CA for",
    "Give a capability with it: --create, --query or --delete-self.",
  );
}
