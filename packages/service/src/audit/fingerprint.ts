import { hash } from "node:crypto";
import type { Capability } from "../domain/capability.ts";

/** Made once for a capability that is used again and again. */
const known = new WeakMap<Capability, string>();

/** What stands for a capability in logs: enough to tell two apart, nothing that leads to it. */
export function fingerprint(capability: Capability): string {
  const present = known.get(capability);
  if (present !== undefined) return present;
  const made = hash("sha256", capability.uid).slice(0, 12);
  known.set(capability, made);
  return made;
}
