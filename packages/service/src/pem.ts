import { createPrivateKey, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";

/** Reads every certificate of a PEM text, in order; `undefined` when one does not parse or there is none. */
export function parseCertificates(pem: string): readonly X509Certificate[] | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const announced = pem.match(/-----BEGIN (?:\w+ )*CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0 || blocks.length !== announced.length) return undefined;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

/** Reads a private key, unless it is encrypted or no key at all. */
export function parsePrivateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
