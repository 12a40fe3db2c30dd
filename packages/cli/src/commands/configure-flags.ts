import type { Profile } from "capability-sdk/profiles";
import type { ConfigCommand } from "../command.ts";
import { Failure } from "../failure.ts";
import { readCaFile } from "./ca-file.ts";
import {
  TENANT_CAPABILITIES,
  type TenantCapabilities,
  authoritiesOf,
  readCapability,
} from "./tenant-capabilities.ts";

export type ConfigureCommand = Extract<ConfigCommand, { name: "config configure" }>;

/** Whether flags say what to store: then nobody is asked for the rest, since scripts run in terminals too. */
export function isAnyGiven({ given, cacert }: ConfigureCommand): boolean {
  return cacert !== undefined || TENANT_CAPABILITIES.some(({ key }) => given[key] !== undefined);
}

/**
 * What the flags change in the profile. The CA is for the authorities of the capabilities that stand beside it, or of
 * those saved when there are none.
 *
 * @throws Failure that names the flag, and never its value.
 */
export async function readFlags(command: ConfigureCommand, saved: Profile | undefined): Promise<Profile> {
  const { profile: name, given, cacert } = command;
  requireCapabilities(given);
  if (cacert === undefined) return { name, capabilities: given, trustedCA: {} };
  const authorities = [authoritiesOf(given), authoritiesOf(saved?.capabilities ?? {})].find(
    (found) => found.length > 0,
  );
  if (authorities === undefined) throw noAuthority();
  const pem = await readCaFile(cacert);
  if (!pem.ok) throw new Failure(`--cacert: expected ${pem.problem.expected}`);
  const trustedCA = Object.fromEntries(authorities.map((authority) => [authority, pem.value]));
  return { name, capabilities: given, trustedCA };
}

function requireCapabilities(given: TenantCapabilities): void {
  for (const { key, name } of TENANT_CAPABILITIES) {
    const text = given[key];
    const uri = text === undefined ? undefined : readCapability(text);
    if (uri?.ok === false) throw new Failure(`--${name}: expected ${uri.problem.expected}`);
  }
}

function noAuthority(): Failure {
  return new Failure(
    "--cacert: no capability, given or saved, says which authority the CA is to be trusted for",
    "Give a capability with it: --create, --query or --delete-self.",
  );
}
