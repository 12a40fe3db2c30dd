import { createPrivateKey } from "node:crypto";
import type { KeyObject } from "node:crypto";

/** Parses a private key; returns nothing if it is encrypted or not a key. */
export function parsePrivateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
