import { hash } from "node:crypto";
import type { Capability } from "../domain/capability.ts";
import type { Uid } from "../domain/uid.ts";

/** What log lines show of a capability in use, and of where it belongs. */
export interface Fingerprints {
  readonly capability: string;
  /** Of the tenant through whose membrane it was exported, or on which it acts. */
  readonly tenant?: string;
  /** Of the membrane through which it was exported, or on which it acts. */
  readonly membrane?: string;
}

/** Computed once for a capability that is used again and again. */
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

/** Represents a record in logs: enough to tell two apart, nothing from which its uid or token follows. */
export function fingerprint(uid: Uid): string {
  return hash("sha256", uid).slice(0, 12);
}

function membraneOf({ kind, resource, membrane }: Capability): Uid | undefined {
  return membrane ?? (kind === "export" || kind === "revoke" ? resource : undefined);
}
