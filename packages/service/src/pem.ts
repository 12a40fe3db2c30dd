import { createPrivateKey } from "node:crypto";
import type { KeyObject } from "node:crypto";

/** Reads a private key, unless it is encrypted or no key at all. */
export function parsePrivateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
