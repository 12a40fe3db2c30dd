import type { AuthorityCapabilityUri } from "capability-protocol";
import { formatCapabilityUri } from "capability-protocol";
import { Membrane } from "capability-sdk";
import type { Profile } from "capability-sdk/profiles";
import { readProfile } from "capability-sdk/profiles";
import type { Trust } from "../command-line/command.ts";
import { explainRequest } from "../failure/explain.ts";
import { Failure } from "../failure/failure.ts";
import type { Place } from "../failure/place.ts";
import { readCa } from "../trust/trusted-ca.ts";
import type { World } from "../world.ts";
import { DEFAULT_PROFILE, configureLine, requireProfile } from "./named-profile.ts";
import { parseResolvable } from "./resolvable.ts";
import type { TenantRight } from "./tenant-capabilities.ts";

/** A capability that is about to be used, and what stands around it. */
export interface Held {
  readonly uri: AuthorityCapabilityUri;
  /** PEM of the CAs to trust for its authority; absent: the system's. */
  readonly ca: string | undefined;
  /** For the advice when it fails. */
  readonly place: Place;
}

/**
 * The capability that a command uses: the one that is given, else the one that the profile has for this right.
 *
 * @throws Failure when there is none, or a file of trusted CAs is not what it should be.
 */
export async function holdTenant(
  given: AuthorityCapabilityUri | undefined,
  right: TenantRight,
  trust: Trust,
  world: World,
): Promise<Held> {
  if (given !== undefined) return holdGiven(given, right.name, trust, world);
  const name = trust.profile ?? DEFAULT_PROFILE;
  const profile = await requireProfile(
    world.profiles,
    name,
    `${configureLine(name)}   makes one. ${OR_GIVE}`,
  );
  return hold(readFromProfile(profile, right), right.name, trust, profile, name);
}

/**
 * A capability that was given or found, with the trust of the profile.
 *
 * @param right name of the command that it carries the right to.
 */
export async function holdGiven(
  uri: AuthorityCapabilityUri,
  right: string,
  trust: Trust,
  world: World,
): Promise<Held> {
  const { profile: name } = trust;
  const next = `${configureLine(name)}   makes one.`;
  // The default profile may be missing while nothing is needed of it; one that was named may not.
  const profile =
    name === undefined
      ? await readProfile(world.profiles, DEFAULT_PROFILE)
      : await requireProfile(world.profiles, name, next);
  return hold(uri, right, trust, profile, undefined);
}

/** Does something with the capability; a failure says what to do. */
export async function use<Answer>(
  { uri, ca, place }: Held,
  act: (membrane: Membrane, capability: string) => Promise<Answer>,
): Promise<Answer> {
  const trustedCA = ca === undefined ? {} : { [place.authority]: ca };
  try {
    return await act(new Membrane({ tls: { trustedCA } }), formatCapabilityUri(uri));
  } catch (error) {
    throw explainRequest(error, place);
  }
}

const OR_GIVE = "Or give the capability itself: --capability URI, or @FILE.";

async function hold(
  uri: AuthorityCapabilityUri,
  right: string,
  trust: Trust,
  profile: Profile | undefined,
  takenFrom: string | undefined,
): Promise<Held> {
  const { authority } = uri;
  const ca = await readCa(trust, profile, authority);
  return { uri, ca, place: { authority, right, profile: trust.profile, takenFrom, id: undefined } };
}

function readFromProfile({ name, capabilities }: Profile, { key }: TenantRight): AuthorityCapabilityUri {
  const text = capabilities[key];
  if (text === undefined) {
    throw new Failure(
      `the profile "${name}" has no ${key} capability`,
      `${configureLine(name)}   adds it. ${OR_GIVE}`,
    );
  }
  const uri = parseResolvable(text);
  if (uri.ok) return uri.value;
  throw new Failure(
    `the ${key} capability in the profile "${name}": expected ${uri.problem.expected}`,
    `${configureLine(name)}   replaces it.`,
  );
}
