import { refuse } from "capability-protocol";
import { invalidField } from "./error.ts";
import { parseCertificates } from "./pem.ts";
import type { TrustedCA } from "./trust.ts";

/**
 * Node passes over certificates that it cannot read; the connection would then fail for a reason that names nothing.
 *
 * @throws CapabilityError that names the first entry that holds no certificate, or a broken one.
 */
export function assertCertificates(trust: TrustedCA): void {
  for (const [authority, pem] of trust) {
    if (parseCertificates(pem) !== undefined) continue;
    throw invalidField(refuse(`tls.trustedCA.${authority}`, "PEM certificates").error);
  }
}
