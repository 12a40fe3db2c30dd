import { hash } from "node:crypto";
import type { Capability } from "../domain/capability.ts";
import type { Uid } from "../domain/uid.ts";

/** Made once for a capability that is used again and again. */
const known = new WeakMap<Capability, string>();

/** What stands for a capability in logs: enough to tell two apart, nothing that leads to it. */
export function fingerprint(capability: Capability): string {
  const present = known.get(capability);
  if (present !== undefined) return present;
  const made = fingerprintOf(capability.uid);
  known.set(capability, made);
  return made;
}

/** The same for a tenant or a membrane. */
export function fingerprintOf(uid: Uid): string {
  return hash("sha256", uid).slice(0, 12);
}
