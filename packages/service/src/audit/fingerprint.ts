import { hash } from "node:crypto";
import type { Uid } from "../domain/uid.ts";

/** What stands for a capability in logs: enough to tell two apart, nothing that leads to it. */
export function fingerprint(uid: Uid): string {
  return hash("sha256", uid).slice(0, 12);
}
