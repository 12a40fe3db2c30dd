import type { KeyObject, X509Certificate } from "node:crypto";
import type { SubjectAltName } from "./subject-alt-name.ts";
import { CertificateFileError } from "./errors.ts";
import { createFile, readIfPresent } from "../private-files.ts";
import { parseCertificates } from "capability-sdk/pem";
import { parsePrivateKey } from "../pem.ts";
import type { CertificateAndKey } from "./x509.ts";

/** Where the authority is kept. */
export interface CertificateAuthorityFiles {
  readonly cert: string;
  readonly key: string;
}

/** The private authority as it is on disk, checked. */
export interface CertificateAuthority extends CertificateAndKey {
  readonly certificate: X509Certificate;
}

const REMEDY =
  "restore the file from a backup, or move ca.pem and ca.key away to start with a new CA that every client must be told to trust";

/**
 * Reads the private authority, or makes it when there is none. Of processes that start at the same moment the first to
 * place `ca.key` decides, and the others take it over. The key comes first: a crash in between leaves a key whose
 * certificate can be made again, never a certificate without its key. An authority that is there is not replaced, unless
 * {@link replaceAuthority} is asked for.
 *
 * @param names that an authority made here is constrained to.
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
  // Loaded only here: the library takes longer to load than everything else that a start with good files does.
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
