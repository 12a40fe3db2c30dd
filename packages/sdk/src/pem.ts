import { X509Certificate } from "node:crypto";

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const ANNOUNCED = /-----BEGIN (?:\w+ )*CERTIFICATE-----/g;

/**
 * The certificates of a PEM text (RFC 7468), in order; what stands between them, and blocks of other kinds, are passed over.
 *
 * @returns nothing if there is none, or one that does not parse.
 */
export function parseCertificates(pem: string): readonly X509Certificate[] | undefined {
  const blocks = pem.match(BLOCK) ?? [];
  if (blocks.length === 0 || blocks.length !== pem.match(ANNOUNCED)?.length) return undefined;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    // The constructor has no other way to say that its input is malformed.
    return undefined;
  }
}
