import { type Authority, normalizeAuthority, parseAuthority } from "capability-protocol/authority";
import { type Parsed, ok, printableName, refuse } from "capability-protocol/result";
import { invalidField } from "./error.ts";

/**
 * The options of a {@link Membrane}.
 *
 * @example
 * const options: MembraneOptions = { tls: { trustedCA: { [AUTHORITY]: CA } } };
 * (await new Membrane(options).create(CREATE_URI, { id })).id; // => id
 */
export interface MembraneOptions {
  readonly tls?:
    | {
        /** Authority → PEM: for this authority, only these certificate authorities are trusted. */
        readonly trustedCA?: Readonly<Record<string, string>> | undefined;
      }
    | undefined;
}

/** PEM of the certificate authorities, by normalized authority. */
export type TrustedCA = ReadonlyMap<Authority, string>;

/** @throws CapabilityError that names the option. */
export function readTrust(options: MembraneOptions | undefined | null): TrustedCA {
  const trust = parseTrust(options);
  if (!trust.ok) throw invalidField(trust.error);
  return trust.value;
}

function parseTrust(options: unknown): Parsed<TrustedCA> {
  const tls = members(options, "options", ["tls"]);
  if (!tls.ok) return tls;
  const trusted = members(tls.value.get("tls"), "tls", ["trustedCA"]);
  if (!trusted.ok) return trusted;
  const entries = members(trusted.value.get("trustedCA"), "tls.trustedCA");
  if (!entries.ok) return entries;
  const trust = new Map<Authority, string>();
  for (const [name, pem] of entries.value) {
    const field = `tls.trustedCA.${printableName(name)}`;
    const authority = parseAuthority(name);
    if (authority === undefined) return refuse(field, "an authority, host[:port], as the name");
    if (typeof pem !== "string") return refuse(field, "PEM");
    trust.set(normalizeAuthority(authority), pem);
  }
  return ok(trust);
}

/** Returns the members of an option; an absent option has none. */
function members(
  value: unknown,
  field: string,
  known?: readonly string[],
): Parsed<ReadonlyMap<string, unknown>> {
  if (value === undefined || value === null) return ok(new Map());
  if (typeof value !== "object") return refuse(field, "an object");
  const given = new Map<string, unknown>(Object.entries(value));
  const unknown = [...given.keys()].find((name) => known !== undefined && !known.includes(name));
  if (unknown === undefined) return ok(given);
  return refuse(`${field}.${printableName(unknown)}`, `no such option; the options are ${known?.join(", ")}`);
}
