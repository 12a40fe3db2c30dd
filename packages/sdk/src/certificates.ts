import { X509Certificate } from "node:crypto";
import { refuse } from "capability-protocol";
import { invalid } from "./error.ts";
import type { TrustedCA } from "./trust.ts";

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Node passes over certificates that it cannot read; the connection would then fail for a reason that names nothing.
 *
 * @throws CapabilityError that names the first entry that is not certificates alone.
 */
export function assertCertificates(trust: TrustedCA): void {
  for (const [authority, pem] of trust) {
    if (!isCertificates(pem)) throw invalid(refuse(`tls.trustedCA.${authority}`, "PEM certificates").problem);
  }
}

function isCertificates(pem: string): boolean {
  const blocks = pem.match(BLOCK) ?? [];
  const announced = pem.split("-----BEGIN ").length - 1;
  return blocks.length > 0 && blocks.length === announced && blocks.every(isCertificate);
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0;
  } catch {
    // The constructor has no other way to say that its input is malformed.
    return false;
  }
}
