import { hash } from "node:crypto";
import type { Capability } from "../domain/capability.ts";
import type { Uid } from "../domain/uid.ts";

/** Made once for a capability that is used again and again. */
const CACHE = new WeakMap<Capability, string>();

/** What stands for a capability in logs: enough to tell two apart, nothing that leads to it. */
export function fingerprint(capability: Capability): string {
  const cached = CACHE.get(capability);
  if (cached !== undefined) return cached;
  const computed = fingerprintUid(capability.uid);
  CACHE.set(capability, computed);
  return computed;
}

/** The same for a tenant or a membrane. */
export function fingerprintUid(uid: Uid): string {
  return hash("sha256", uid).slice(0, 12);
}
