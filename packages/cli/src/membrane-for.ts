import type { AuthorityCapabilityUri } from "capability-protocol";
import { formatCapabilityUri, parseCapabilityUri } from "capability-protocol";
import { Membrane } from "capability-sdk";
import type { Profile } from "capability-sdk/profiles";
import { listProfiles, readProfile } from "capability-sdk/profiles";
import type { Access } from "./command.ts";
import { explainRequest } from "./explain/explain.ts";
import type { Place } from "./explain/place.ts";
import { Failure } from "./failure.ts";
import { shellWord } from "./shell.ts";
import { readCa } from "./trust.ts";
import type { World } from "./world.ts";

/** A capability that is about to be used, and what stands around it. */
export interface Held {
  /** Capability URI. */
  readonly capability: string;
  /** PEM of the CAs to trust for its authority; absent: the system's. */
  readonly ca?: string;
  /** For the advice when it fails. */
  readonly place: Place;
}

/** Rights of a tenant, as profiles call them. */
type TenantRight = keyof Profile["capabilities"];

const COMMAND_OF: Readonly<Record<TenantRight, string>> = {
  create: "create",
  query: "query",
  deleteSelf: "delete-self",
};

/**
 * The capability that a command uses: the one that is given, else the one that the profile has for this right.
 *
 * @throws Failure when there is none, or a file of trusted CAs is not what it should be.
 */
export async function holdTenant(access: Access, right: TenantRight, world: World): Promise<Held> {
  const command = COMMAND_OF[right];
  if (access.capability !== undefined) return holdGiven(access.capability, access, command, world);
  const profile = await readNamedProfile(access, world);
  if (profile === undefined) throw await noProfile(access.profile ?? DEFAULT_PROFILE, world);
  const capability = profile.capabilities[right];
  if (capability === undefined) throw notInProfile(profile.name, right);
  const uri = parseCapabilityUri(capability);
  if (uri?.kind !== "authority") throw malformedInProfile(profile.name, right);
  const held = await hold(uri, access, command, profile);
  return { ...held, place: { ...held.place, profile: profile.name } };
}

/**
 * A capability that was given or found, with the trust of the profile.
 *
 * @param right name of the command that it carries the right to.
 */
export async function holdGiven(
  capability: string,
  access: Access,
  right: string,
  world: World,
): Promise<Held> {
  const uri = parseCapabilityUri(capability);
  if (uri?.kind !== "authority") {
    throw new Failure(`the ${right} capability has no form that can be resolved, cpblty://authority/#token`);
  }
  return hold(uri, access, right, await readNamedProfile(access, world));
}

/** Does something with the capability; a failure says what to do. */
export async function use<Answer>(
  held: Held,
  act: (membrane: Membrane, capability: string) => Promise<Answer>,
): Promise<Answer> {
  const { ca, place } = held;
  const trustedCA = ca === undefined ? {} : { [place.authority]: ca };
  try {
    return await act(new Membrane({ tls: { trustedCA } }), held.capability);
  } catch (error) {
    throw explainRequest(error, place);
  }
}

const DEFAULT_PROFILE = "default";

async function hold(
  uri: AuthorityCapabilityUri,
  access: Access,
  right: string,
  profile: Profile | undefined,
): Promise<Held> {
  const ca = await readCa(access, profile, uri.authority);
  const { profile: name } = access;
  return {
    capability: formatCapabilityUri(uri),
    ...(ca !== undefined && { ca }),
    place: { authority: uri.authority, right, ...(name !== undefined && { profile: name }) },
  };
}

/** The default profile may be missing while nothing is needed of it; one that was named may not. */
async function readNamedProfile({ profile: name }: Access, world: World): Promise<Profile | undefined> {
  const profile = await readProfile(world.profiles, name ?? DEFAULT_PROFILE);
  if (profile === undefined && name !== undefined) throw await noProfile(name, world);
  return profile;
}

async function noProfile(name: string, world: World): Promise<Failure> {
  const names = await listProfiles(world.profiles);
  const known = names.length === 0 ? "there is none yet" : `there is ${names.join(", ")}`;
  return new Failure(
    `no profile "${name}"; ${known}`,
    `${configureLine(name)}   makes one. Or give the capability itself: --capability URI, or @FILE.`,
  );
}

function notInProfile(name: string, right: TenantRight): Failure {
  return new Failure(
    `the profile "${name}" has no ${right} capability`,
    `${configureLine(name)}   adds it. Or give the capability itself: --capability URI, or @FILE.`,
  );
}

function malformedInProfile(name: string, right: TenantRight): Failure {
  return new Failure(
    `the ${right} capability in the profile "${name}" is no capability URI of the form cpblty://authority/#token`,
    `${configureLine(name)}   replaces it.`,
  );
}

function configureLine(name: string): string {
  const named = name === DEFAULT_PROFILE ? "" : ` --profile ${shellWord(name)}`;
  return `capi config configure --service membrane${named}`;
}
