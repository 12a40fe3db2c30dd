import type { Profile } from "capability-sdk/profiles";
import { authoritiesOf, formatCapabilities, readSaved } from "../../capability/tenant-capabilities.ts";
import type { ConfigureCommand } from "../../command-line/command.ts";
import { Failure } from "../../failure/failure.ts";
import { readCaFile } from "../../trust/ca-file.ts";

/** Whether flags say what to store: then nobody is asked for the rest, since scripts run in terminals too. */
export function isAnyGiven({ given, cacert }: ConfigureCommand): boolean {
  return cacert !== undefined || Object.values(given).some((uri) => uri !== undefined);
}

/**
 * What the flags change in the profile. The CA is for the authorities of the capabilities that stand beside it, or of
 * those saved when there are none.
 *
 * @throws Failure that names the flag, and never its value.
 */
export async function readFlags(command: ConfigureCommand, saved: Profile | undefined): Promise<Profile> {
  const { profile: name, given, cacert } = command;
  const capabilities = formatCapabilities(given);
  if (cacert === undefined) return { name, capabilities, trustedCA: {} };
  const authorities = [given, readSaved(saved?.capabilities ?? {})]
    .map(authoritiesOf)
    .find((found) => found.length > 0);
  if (authorities === undefined) throw noAuthority();
  const pem = await readCaFile(cacert);
  if (!pem.ok) throw new Failure(`--cacert: expected ${pem.problem.expected}`);
  const trustedCA = Object.fromEntries(authorities.map((authority) => [authority, pem.value]));
  return { name, capabilities, trustedCA };
}

function noAuthority(): Failure {
  return new Failure(
    "--cacert: no capability, given or saved, says which authority the CA is to be trusted for",
    "Give a capability with it: --create, --query or --delete-self.",
  );
}
