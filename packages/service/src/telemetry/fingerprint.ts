import { hash } from "node:crypto";
import type { Capability } from "../domain/capability.ts";
import type { Uid } from "../domain/uid.ts";

/** How log lines identify a capability, its tenant and its membrane. */
export interface Fingerprints {
  readonly capability: string;
  /** The tenant through whose membrane it was exported, or on which it acts. */
  readonly tenant?: string;
  /** The membrane through which it was exported, or on which it acts. */
  readonly membrane?: string;
}

/** Fingerprints are computed once for each cached capability. */
const CACHE = new WeakMap<Capability, Fingerprints>();

/**
 * Computes the fingerprints of a capability.
 *
 * @param tenant absent for a capability of the operator.
 */
export function fingerprintsOf(capability: Capability, tenant: Uid | undefined): Fingerprints {
  const cached = CACHE.get(capability);
  if (cached !== undefined) return cached;
  const membrane = membraneOf(capability);
  const computed = {
    capability: fingerprint(capability.uid),
    ...(tenant === undefined ? {} : { tenant: fingerprint(tenant) }),
    ...(membrane === undefined ? {} : { membrane: fingerprint(membrane) }),
  };
  CACHE.set(capability, computed);
  return computed;
}

/** Identifies a record in logs. Neither its uid nor its token can be derived from it. */
export function fingerprint(uid: Uid): string {
  return hash("sha256", uid).slice(0, 12);
}

/** The membrane through which a capability was exported, or on which it acts. */
export function membraneOf({ kind, resource, membrane }: Capability): Uid | undefined {
  return membrane ?? (kind === "export" || kind === "revoke" ? resource : undefined);
}
