import type { TargetConfiguration } from "capability-protocol";
import { parseCertificates } from "capability-sdk/pem";
import type { Outcome } from "../domain/denial.ts";
import { invalid, PASSED } from "../domain/denial.ts";
import { parsePrivateKey } from "../pem.ts";

/**
 * Largest modulus of a client's key, in bits. The time of a signature grows with its cube, and each handshake makes one on the
 * event loop: 16,384 bits take more than half a second.
 */
const MAX_MODULUS_BITS = 4_096;

/** Whether {@link checkTls} has something to parse. */
export function hasPem({ tls }: TargetConfiguration): boolean {
  return tls?.ca !== undefined || tls?.cert !== undefined;
}

/** Refuses certificates and a key with which no handshake would succeed, or each one would take long. */
export function checkTls({ tls }: TargetConfiguration): Outcome<undefined> {
  const { ca, cert, key } = tls ?? {};
  if (ca !== undefined && parseCertificates(ca) === undefined)
    return invalid("tls.ca", "certificates in PEM");
  if (cert === undefined || key === undefined) return PASSED;
  const [leaf] = parseCertificates(cert) ?? [];
  if (leaf === undefined) return invalid("tls.cert", "certificates in PEM, the client's own first");
  const privateKey = parsePrivateKey(key);
  if (privateKey === undefined) return invalid("tls.key", "an unencrypted private key in PEM");
  if ((privateKey.asymmetricKeyDetails?.modulusLength ?? 0) > MAX_MODULUS_BITS)
    return invalid("tls.key", `a key of at most ${MAX_MODULUS_BITS} bits, or of an elliptic curve`);
  return leaf.checkPrivateKey(privateKey) ? PASSED : invalid("tls.key", "the private key of tls.cert");
}
