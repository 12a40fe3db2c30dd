import type { KeyObject, X509Certificate } from "node:crypto";
import type { SubjectAltName } from "./subject-alt-name.ts";

/** Why a server certificate must be renewed. */
export type RenewalReason = "expires-soon" | "not-yet-valid" | "wrong-key" | "other-issuer" | "name-missing";

const RENEWAL_WINDOW_MS = 30 * 24 * 3_600_000;

/** Returns why the certificate must be renewed; nothing if it is valid for the names for another 30 days. */
export function renewalReason(
  leaf: { readonly certificate: X509Certificate; readonly key: KeyObject },
  issuer: X509Certificate,
  names: readonly SubjectAltName[],
  now: Date,
): RenewalReason | undefined {
  const { certificate, key } = leaf;
  if (Date.parse(certificate.validTo) - now.getTime() < RENEWAL_WINDOW_MS) return "expires-soon";
  if (Date.parse(certificate.validFrom) > now.getTime()) return "not-yet-valid";
  if (!certificate.checkPrivateKey(key)) return "wrong-key";
  if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) return "other-issuer";
  if (!names.every((name) => coversName(certificate, name))) return "name-missing";
  return undefined;
}

/** Whether the certificate covers the name. Only subject alternative names count. */
export function coversName(certificate: X509Certificate, { type, value }: SubjectAltName): boolean {
  return type === "ip"
    ? certificate.checkIP(value) !== undefined
    : certificate.checkHost(value, { subject: "never" }) !== undefined;
}
