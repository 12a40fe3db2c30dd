import { refuse } from "capability-protocol/result";
import { invalidField } from "./error.ts";
import { parseCertificates } from "./pem.ts";
import type { TrustedCA } from "./trust.ts";

/**
 * Checks the certificates. Node ignores those that it cannot parse, and the connection would fail with an error that does not
 * name them.
 *
 * @throws CapabilityError that names the first entry without a certificate, or with an invalid one.
 */
export function assertCertificates(trust: TrustedCA): void {
  for (const [authority, pem] of trust) {
    if (parseCertificates(pem) !== undefined) continue;
    throw invalidField(refuse(`tls.trustedCA.${authority}`, "PEM certificates").error);
  }
}
