import type { KeyObject, X509Certificate } from "node:crypto";
import type { SubjectAltName } from "./subject-alt-name.ts";
import { CertificateFileError } from "./errors.ts";
import { createFile, readIfPresent } from "../private-files.ts";
import { parseCertificates } from "capability-sdk/pem";
import { parsePrivateKey } from "../pem.ts";
import type { CertificateAndKey } from "./x509.ts";

/** The paths of the private CA's files. */
export interface CertificateAuthorityFiles {
  readonly cert: string;
  readonly key: string;
}

/** The private CA, as read from disk and checked. */
export interface CertificateAuthority extends CertificateAndKey {
  readonly certificate: X509Certificate;
}

const REMEDY =
  "restore the file from a backup, or move ca.pem and ca.key away to start with a new CA that every client must be made to trust";

/**
 * Reads the private CA, or makes one when there is none. When several processes start at once, the first to create `ca.key`
 * decides, and the others use that key. The key is written first: a crash in between leaves a key whose certificate can be made
 * again, never a certificate without its key. An existing CA is not replaced here.
 *
 * @param names the names that a new CA is constrained to.
 * @throws CertificateFileError when the files do not parse, do not belong together or have expired
 */
export async function ensureCertificateAuthority(
  files: CertificateAuthorityFiles,
  names: readonly SubjectAltName[],
  now: Date,
): Promise<CertificateAuthority> {
  if ((await readIfPresent(files.cert)) === undefined) await createCertificateAuthority(files, names, now);
  const cert = await readExisting(files.cert);
  const key = await readExisting(files.key);
  return checkCertificateAuthority({ cert, key }, files, now);
}

async function createCertificateAuthority(
  files: CertificateAuthorityFiles,
  names: readonly SubjectAltName[],
  now: Date,
): Promise<void> {
  // Imported only when needed: the library takes longer to load than all other work of a start with existing files.
  const { issueAuthorityCertificate, generateAuthorityKey } = await import("./x509.ts");
  await createFile(files.key, await generateAuthorityKey(), 0o600);
  const key = await readExisting(files.key);
  requireKey(key, files);
  await createFile(files.cert, await issueAuthorityCertificate(key, now, names), 0o644);
}

async function readExisting(path: string): Promise<string> {
  const text = await readIfPresent(path);
  if (text === undefined) throw new CertificateFileError(path, `is missing; ${REMEDY}`);
  return text;
}

function checkCertificateAuthority(
  { cert, key }: CertificateAndKey,
  files: CertificateAuthorityFiles,
  now: Date,
): CertificateAuthority {
  const [certificate] = parseCertificates(cert) ?? [];
  if (certificate === undefined)
    throw new CertificateFileError(files.cert, `is not a certificate in PEM form; ${REMEDY}`);
  if (!certificate.checkPrivateKey(requireKey(key, files))) {
    throw new CertificateFileError(files.key, `is not the key of ${files.cert}; ${REMEDY}`);
  }
  if (!certificate.ca)
    throw new CertificateFileError(
      files.cert,
      `is not the certificate of a certificate authority; ${REMEDY}`,
    );
  if (Date.parse(certificate.validTo) <= now.getTime())
    throw new CertificateFileError(files.cert, `has expired; ${REMEDY}`);
  return { cert, key, certificate };
}

function requireKey(pem: string, files: CertificateAuthorityFiles): KeyObject {
  const key = parsePrivateKey(pem);
  if (key?.asymmetricKeyDetails?.namedCurve === "prime256v1") return key;
  throw new CertificateFileError(files.key, `is not an ECDSA P-256 private key in PEM form; ${REMEDY}`);
}
