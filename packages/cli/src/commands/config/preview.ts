import type { X509Certificate } from "node:crypto";
import { parseCapabilityUri } from "capability-protocol/uri";
import { parseCertificates } from "capability-sdk/pem";

const PREVIEW_LENGTH = "CPBLTY1-".length + 4;

/**
 * Shortens a capability for a screen or a log: enough to distinguish it from another one, with 24 of its 512 random bits. A text
 * that is not a capability URI, such as a damaged one, is not shown at all.
 */
export function previewCapability(text: string): string {
  const uri = parseCapabilityUri(text);
  if (uri === undefined) return "(not a capability URI)";
  // Both forms end with the token.
  return `${text.slice(0, PREVIEW_LENGTH - uri.token.length)}…`;
}

/** Describes the certificates of a PEM text in one line, each with SHA-256 fingerprint, subject and last day. */
export function describeCertificates(pem: string): string {
  return describeEach(pem, (certificate) => {
    const lastDay = new Date(certificate.validTo).toISOString().slice(0, 10);
    return `SHA-256 ${certificate.fingerprint256}, ${subject(certificate)}, valid to ${lastDay}`;
  });
}

/** Lists the subjects of the certificates in a PEM text. */
export function listCertificateSubjects(pem: string): string {
  return describeEach(pem, subject);
}

function describeEach(pem: string, describe: (certificate: X509Certificate) => string): string {
  return parseCertificates(pem)?.map(describe).join("; ") ?? "(not a certificate)";
}

/** Formats a subject on one line: OpenSSL puts each part on a separate line, and escapes control characters. */
function subject(certificate: X509Certificate): string {
  return certificate.subject.split("\n").join(", ");
}
