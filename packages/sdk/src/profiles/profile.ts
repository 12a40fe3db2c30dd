import { ProfileError } from "./error.ts";

/**
 * The capabilities of a tenant and the CAs to trust, which `capi` and the SDK keep under one name.
 *
 * @example
 * const profile: Profile = { name: "work", capabilities: { create: CREATE_URI }, trustedCA: { [AUTHORITY]: CA } };
 * profile.name; // => "work"
 */
export interface Profile {
  readonly name: string;
  /** Capability URIs as in the file, not validated. They are secrets. */
  readonly capabilities: {
    readonly create?: string;
    readonly query?: string;
    readonly deleteSelf?: string;
  };
  /** Authority → certificates in PEM that replace the system's for requests to this authority. The object has no prototype. */
  readonly trustedCA: Readonly<Record<string, string>>;
}

const CAPABILITY_NAMES = ["create", "query", "deleteSelf"] as const;
const NAME_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Makes a profile from the values of the two files. */
export function composeProfile(
  name: string,
  capabilities: ReadonlyMap<string, string>,
  authorities: ReadonlyMap<string, string>,
): Profile {
  const known = CAPABILITY_NAMES.map((kind) => [kind, capabilities.get(kind)] as const);
  // Without a prototype, `__proto__` is a name like any other, and a lookup of `constructor` finds nothing.
  const trustedCA: Record<string, string> = Object.create(null);
  for (const [authority, pem] of authorities) trustedCA[authority] = pem;
  return {
    name,
    capabilities: Object.fromEntries(known.filter(([, uri]) => uri !== undefined)),
    trustedCA,
  };
}

/** Returns the capabilities of a profile that are not undefined. */
export function capabilitiesOf(profile: Profile): ReadonlyMap<string, string> {
  const known = CAPABILITY_NAMES.map((kind) => [kind, profile.capabilities[kind]] as const);
  return new Map(known.flatMap(([kind, uri]) => (uri === undefined ? [] : [[kind, uri] as const])));
}

/** Returns the certificates of a profile, by authority. */
export function certificatesOf(profile: Profile): ReadonlyMap<string, string> {
  return new Map(Object.entries(profile.trustedCA));
}

/**
 * The rule for the name of a new profile, as it follows "expected" in a message.
 *
 * @example
 * PROFILE_NAME_EXPECTED; // => "1 to 64 letters, digits, '.', '_' or '-'"
 */
export const PROFILE_NAME_EXPECTED = "1 to 64 letters, digits, '.', '_' or '-'";

/**
 * Whether a new profile may have this name, which is used in shell commands. The name of a profile in a file may be any text.
 *
 * @example
 * isProfileName("work-2"); // => true
 * isProfileName("my work"); // => false
 */
export function isProfileName(text: string): boolean {
  return NAME_PATTERN.test(text);
}

/** Throws a `ProfileError` `invalid_profile` unless a new profile may have this name. */
export function assertProfileName(name: string): void {
  if (isProfileName(name)) return;
  throw new ProfileError("invalid_profile", `profile name: expected ${PROFILE_NAME_EXPECTED}`);
}

/** Checks the types at run time: a caller in JavaScript could write a wrong value, and the whole file would be refused. */
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
