import type { Authority, TenantCapabilities } from "capability-protocol";
import { createProfile, profileDirectory } from "capability-sdk/profiles";

/** The profile of `capi` that a new tenant's capabilities go to. */
export interface ProfilePlace {
  readonly name: string;
  /** Home directory of whoever runs the command; asked for only when it is needed, since not every user has one. */
  readonly home: () => string;
}

/** What `capi` needs to use a new tenant. */
export interface FirstUse {
  readonly authority: Authority;
  readonly capabilities: TenantCapabilities;
  /** The private CA, if the service has one. */
  readonly ca: { readonly file: string; readonly pem: string } | undefined;
}

/**
 * Makes the profile, unless there is one of this name: it may hold the only copy of another tenant's capabilities.
 *
 * @returns what was done, and what is left to do, for a person. It never rejects: the capabilities were shown, and a
 *   service must start where nobody has a home directory.
 */
export async function makeFirstProfile(place: ProfilePlace, use: FirstUse): Promise<string> {
  const { name } = place;
  const option = name === "default" ? "" : ` --profile ${name}`;
  try {
    const directory = profileDirectory(place.home());
    const trustedCA = use.ca === undefined ? {} : { [use.authority]: use.ca.pem };
    if (await createProfile(directory, { name, capabilities: use.capabilities, trustedCA })) {
      return `Saved them as profile "${name}" of capi, in ${directory}. In another terminal:\n\n  npx capi membrane create --id hello${option}`;
    }
    return `capi has a profile "${name}" already, in ${directory}; it was left as it is. ${byHand(use)}`;
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown";
    return `The profile of capi was not written: ${reason}. ${byHand(use)}`;
  }
}

function byHand({ ca }: FirstUse): string {
  const asked = ca === undefined ? "the capabilities above" : "the capabilities and the CA above";
  return `To use this tenant with capi, give it a profile of its own; this asks for ${asked}:\n\n  npx capi config configure --service membrane --profile NAME`;
}
