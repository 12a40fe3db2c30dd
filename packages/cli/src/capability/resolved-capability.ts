import type { AuthorityCapabilityUri } from "capability-protocol";
import type { Profile } from "capability-sdk/profiles";
import { readProfile } from "capability-sdk/profiles";
import { CliError } from "../errors/cli-error.ts";
import type { RequestContext } from "../errors/request-context.ts";
import type { TrustOptions } from "../trust/trust-options.ts";
import { readCa } from "../trust/trusted-ca.ts";
import type { Io } from "../io.ts";
import { requireProfile } from "./named-profile.ts";
import { DEFAULT_PROFILE, configureCommand } from "./profile-option.ts";
import { parseResolvable } from "./resolvable.ts";
import type { TenantRight } from "./tenant-capabilities.ts";

/** A capability to use, and its context. */
export interface ResolvedCapability {
  readonly uri: AuthorityCapabilityUri;
  /** PEM of the CAs to trust for its authority; absent means the system's. */
  readonly ca: string | undefined;
  /** Context for the hint when a request fails. */
  readonly context: RequestContext;
}

/**
 * Returns the capability that a command uses: the given one, else the one that the profile has for this right.
 *
 * @throws CliError when there is none, or a file of trusted CAs is invalid.
 */
export async function resolveTenantCapability(
  explicit: AuthorityCapabilityUri | undefined,
  right: TenantRight,
  trust: TrustOptions,
  io: Io,
): Promise<ResolvedCapability> {
  if (explicit !== undefined) return resolveGivenCapability(explicit, right.name, trust, io);
  const name = trust.profile ?? DEFAULT_PROFILE;
  const profile = await requireProfile(
    await io.profiles(),
    name,
    `${configureCommand(name)}   makes one. ${GIVE_CAPABILITY_HINT}`,
  );
  return withTrustedCa(readFromProfile(profile, right), right.name, trust, profile, name);
}

/**
 * Returns a capability that was given or found, with the trusted CAs of the profile.
 *
 * @param right name of the command that the capability is for.
 */
export async function resolveGivenCapability(
  uri: AuthorityCapabilityUri,
  right: string,
  trust: TrustOptions,
  io: Io,
): Promise<ResolvedCapability> {
  const { profile: name } = trust;
  const hint = `${configureCommand(name)}   makes one.`;
  // The default profile may be missing when nothing is needed from it; a profile that was named may not.
  const profile =
    name === undefined
      ? await readProfile(await io.profiles(), DEFAULT_PROFILE)
      : await requireProfile(await io.profiles(), name, hint);
  return withTrustedCa(uri, right, trust, profile, undefined);
}

const GIVE_CAPABILITY_HINT = "Or give the capability itself: --capability URI, or @FILE.";

async function withTrustedCa(
  uri: AuthorityCapabilityUri,
  right: string,
  trust: TrustOptions,
  profile: Profile | undefined,
  sourceProfile: string | undefined,
): Promise<ResolvedCapability> {
  const { authority } = uri;
  const ca = await readCa(trust, profile, authority);
  return { uri, ca, context: { authority, right, profile: trust.profile, sourceProfile, id: undefined } };
}

function readFromProfile({ name, capabilities }: Profile, { key }: TenantRight): AuthorityCapabilityUri {
  const text = capabilities[key];
  if (text === undefined) {
    throw new CliError(
      `the profile "${name}" has no ${key} capability`,
      `${configureCommand(name)}   adds it. ${GIVE_CAPABILITY_HINT}`,
    );
  }
  const uri = parseResolvable(text);
  if (uri.ok) return uri.value;
  throw new CliError(
    `profile "${name}": ${key} capability: expected ${uri.error.expected}`,
    `${configureCommand(name)}   replaces it.`,
  );
}
