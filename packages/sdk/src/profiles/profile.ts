import { ProfileError } from "./error.ts";

/**
 * What `capi` and the SDK keep under one name: the capabilities of a tenant, and whom to trust on the way.
 *
 * @example
 * const profile: Profile = { name: "work", capabilities: { create: CREATE_URI }, trustedCA: { [AUTHORITY]: CA } };
 * profile.name; // => "work"
 */
export interface Profile {
  readonly name: string;
  /** Capability URIs as they stand in the file, not validated. They are secrets. */
  readonly capabilities: {
    readonly create?: string;
    readonly query?: string;
    readonly deleteSelf?: string;
  };
  /** Authority → certificates in PEM that replace the system's when this authority is called. No prototype. */
  readonly trustedCA: Readonly<Record<string, string>>;
}

const CAPABILITY_NAMES = ["create", "query", "deleteSelf"] as const;
const NAME_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The profile that the values of the two files make. */
export function composeProfile(
  name: string,
  capabilities: ReadonlyMap<string, string>,
  authorities: ReadonlyMap<string, string>,
): Profile {
  const known = CAPABILITY_NAMES.map((kind) => [kind, capabilities.get(kind)] as const);
  // Without a prototype an authority may be called `__proto__`, and looking up `constructor` finds nothing.
  const trustedCA: Record<string, string> = Object.create(null);
  for (const [authority, pem] of authorities) trustedCA[authority] = pem;
  return {
    name,
    capabilities: Object.fromEntries(known.filter(([, uri]) => uri !== undefined)),
    trustedCA,
  };
}

/** The capabilities that a profile names. */
export function capabilitiesOf(profile: Profile): ReadonlyMap<string, string> {
  const known = CAPABILITY_NAMES.map((kind) => [kind, profile.capabilities[kind]] as const);
  return new Map(known.flatMap(([kind, uri]) => (uri === undefined ? [] : [[kind, uri] as const])));
}

/** The certificates that a profile names, by authority. */
export function certificatesOf(profile: Profile): ReadonlyMap<string, string> {
  return new Map(Object.entries(profile.trustedCA));
}

/**
 * What the name of a new profile has to be, in words that follow "expected".
 *
 * @example
 * PROFILE_NAME_EXPECTED; // => "1 to 64 letters, digits, '.', '_' or '-'"
 */
export const PROFILE_NAME_EXPECTED = "1 to 64 letters, digits, '.', '_' or '-'";

/**
 * Whether a new profile may have this name: it stands in shell commands. One that is in a file may be any text.
 *
 * @example
 * isProfileName("work-2"); // => true
 * isProfileName("my work"); // => false
 */
export function isProfileName(text: string): boolean {
  return NAME_PATTERN.test(text);
}

/** Throws a `ProfileError` `invalid_profile` for what is no name for a new profile. */
export function assertProfileName(name: string): void {
  if (isProfileName(name)) return;
  throw new ProfileError("invalid_profile", `name of the profile: expected ${PROFILE_NAME_EXPECTED}`);
}

/** Callers in JavaScript are not held by the types, and a file with a wrong value in it is refused as a whole. */
export function assertProfile(profile: Profile): void {
  const capabilities = [...capabilitiesOf(profile)].map(
    ([kind, uri]) => [`capabilities.${kind}`, uri] as const,
  );
  const authorities = [...certificatesOf(profile)].flatMap(([authority, pem]) => [
    ["name of an authority in trustedCA", authority] as const,
    ["certificates in trustedCA", pem] as const,
  ]);
  for (const [field, value] of [["name", profile.name] as const, ...capabilities, ...authorities]) {
    if (typeof value !== "string" || LONE_SURROGATE.test(value)) {
      throw new ProfileError("invalid_profile", `${field}: expected well-formed text`);
    }
  }
}
