import type { Profile } from "capability-sdk/profiles";
import {
  authoritiesOf,
  formatCapabilities,
  parseSavedCapabilities,
} from "../../../capability/tenant-capabilities.ts";
import { CliError } from "../../../errors/cli-error.ts";
import { readCaFile } from "../../../trust/ca-file.ts";
import type { ConfigureInput } from "./spec.ts";

/** Whether flags say what to store: then the command asks no questions, since scripts run in terminals too. */
export function hasFlags({ capabilityUris, cacert }: ConfigureInput): boolean {
  return cacert !== undefined || Object.values(capabilityUris).some((uri) => uri !== undefined);
}

/**
 * What the flags change in the profile. The CA is for the authorities of the capabilities given with it, or of
 * those saved when there are none.
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
    "--cacert: no capability, given or saved, says which authority the CA is to be trusted for",
    "Give a capability with it: --create, --query or --delete-self.",
  );
}
