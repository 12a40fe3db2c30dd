import { readFile } from "node:fs/promises";
import { createProfile, profileDirectory } from "capability-sdk/profiles";
import type { DataConfig } from "../config.ts";
import type { FirstCapabilities } from "../management/tenants.ts";

/** Without `--no`, npx would offer a stranger's package of this name where the checkout is not at hand. */
const CAPI = "npx --no capi";

/**
 * Makes the profile of `capi` for the first tenant, unless there is one of this name: it may hold the only copy of another
 * tenant's capabilities.
 *
 * @param caFile where the private CA is, if the service has one.
 * @param home asked for only when a profile is wanted, since not every user has a home directory.
 * @returns what was done, and what is left to do, for a person; nothing if no profile is wanted. It never rejects: the
 *   capabilities were shown, and a service must start where nobody has a home.
 */
export async function makeFirstProfile(
  { profile: name, authority }: Pick<DataConfig, "profile" | "authority">,
  { capabilities }: FirstCapabilities,
  caFile: string | undefined,
  home: () => string,
): Promise<string | undefined> {
  if (name === undefined) return undefined;
  const option = name === "default" ? "" : ` --profile ${name}`;
  try {
    const directory = profileDirectory(home());
    const trustedCA = caFile === undefined ? {} : { [authority]: await readFile(caFile, "utf8") };
    if (await createProfile(directory, { name, capabilities, trustedCA })) {
      return `Saved them as profile "${name}" of capi, in ${directory}. In another terminal, in this directory:\n\n  ${CAPI} membrane create --id hello${option}\n`;
    }
    return `capi has a profile "${name}" already, in ${directory}; it was left as it is. ${byHand(caFile)}`;
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown";
    return `The profile of capi was not written: ${reason}. ${byHand(caFile)}`;
  }
}

function byHand(caFile: string | undefined): string {
  const asked = caFile === undefined ? "the capabilities above" : "the capabilities and the CA above";
  return `To use this tenant with capi, give it a profile of its own; this asks for ${asked}:\n\n  ${CAPI} config configure --profile NAME\n`;
}
