import { readFile } from "node:fs/promises";
import { createProfile, profileDirectory } from "capability-sdk/profiles";
import type { DataConfig } from "../config.ts";
import type { FirstCapabilities } from "../management/tenants.ts";

/** Without `--no`, npx would offer to install another package of this name outside of the checkout. */
const CAPI = "npx --no capi";

/** Files that a first start wrote. */
interface FirstStartFiles {
  readonly ca?: string | undefined;
  readonly file?: string | undefined;
}

/**
 * Makes the profile of `capi` for the first tenant, unless there is one of this name: it may hold the only copy of another
 * tenant's capabilities.
 *
 * @param kept where the private CA is, if the service has one, and the capabilities, if they were not printed.
 * @param home asked for only when a profile is wanted, since not every user has a home directory.
 * @returns lines that say what was done and what is left to do; none if no profile is wanted. Never rejects: the capabilities
 *   have been shown, and a service must start without a home directory.
 */
export async function makeFirstProfile(
  { profile: name, authority }: Pick<DataConfig, "profile" | "authority">,
  { capabilities }: FirstCapabilities,
  kept: FirstStartFiles,
  home: () => string,
): Promise<readonly string[]> {
  if (name === undefined) return [];
  const option = name === "default" ? "" : ` --profile ${name}`;
  try {
    const directory = profileDirectory(home());
    const trustedCA = kept.ca === undefined ? {} : { [authority]: await readFile(kept.ca, "utf8") };
    if (await createProfile(directory, { name, capabilities, trustedCA })) {
      return [
        `Saved them as profile "${name}" of capi, in ${directory}. In another terminal, in this directory:`,
        ...commandExample(`membrane create --id hello${option}`),
      ];
    }
    return manualSetup(`capi has a profile "${name}" already, in ${directory}; it was left as it is.`, kept);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown";
    return manualSetup(`The profile of capi was not written: ${reason}.`, kept);
  }
}

function commandExample(args: string): readonly string[] {
  return ["", `  ${CAPI} ${args}`, ""];
}

function manualSetup(why: string, { ca, file }: FirstStartFiles): readonly string[] {
  const capabilities = file === undefined ? "the capabilities above" : `the capabilities in ${file}`;
  const asked = ca === undefined ? capabilities : `${capabilities} and the CA above`;
  return [
    `${why} To use this tenant with capi, make another profile for it; this asks for ${asked}:`,
    ...commandExample("config configure --profile NAME"),
  ];
}
