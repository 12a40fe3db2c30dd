import type { KeyObject, X509Certificate } from "node:crypto";
import type { CertifiedName } from "./certified-name.ts";
import { CertificateFileError } from "./errors.ts";
import { createFile, readIfPresent } from "../private-files.ts";
import { parseCertificates } from "capability-sdk/pem";
import { parsePrivateKey } from "../pem.ts";
import type { KeyedCertificate } from "./x509.ts";

/** Where the authority is kept. */
export interface AuthorityFiles {
  readonly cert: string;
  readonly key: string;
}

/** The private authority as it is on disk, checked. */
export interface Authority extends KeyedCertificate {
  readonly certificate: X509Certificate;
}

const wayOut =
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
export async function ensureAuthority(
  files: AuthorityFiles,
  names: readonly CertifiedName[],
  now: Date,
): Promise<Authority> {
  if ((await readIfPresent(files.cert)) === undefined) await makeAuthority(files, names, now);
  const cert = await readExisting(files.cert);
  const key = await readExisting(files.key);
  return checkAuthority({ cert, key }, files, now);
}

async function makeAuthority(
  files: AuthorityFiles,
  names: readonly CertifiedName[],
  now: Date,
): Promise<void> {
  // Loaded only here: the library takes longer to load than everything else that a start with good files does.
  const { makeAuthorityCertificate, makeAuthorityKey } = await import("./x509.ts");
  await createFile(files.key, await makeAuthorityKey(), 0o600);
  const key = await readExisting(files.key);
  requireKey(key, files);
  await createFile(files.cert, await makeAuthorityCertificate(key, now, names), 0o644);
}

async function readExisting(path: string): Promise<string> {
  const text = await readIfPresent(path);
  if (text === undefined) throw new CertificateFileError(path, `is missing; ${wayOut}`);
  return text;
}

function checkAuthority({ cert, key }: KeyedCertificate, files: AuthorityFiles, now: Date): Authority {
  const [certificate] = parseCertificates(cert) ?? [];
  if (certificate === undefined)
    throw new CertificateFileError(files.cert, `is not a certificate in PEM form; ${wayOut}`);
  if (!certificate.checkPrivateKey(requireKey(key, files))) {
    throw new CertificateFileError(files.key, `is not the key of ${files.cert}; ${wayOut}`);
  }
  if (!certificate.ca)
    throw new CertificateFileError(
      files.cert,
      `is not the certificate of a certificate authority; ${wayOut}`,
    );
  if (Date.parse(certificate.validTo) <= now.getTime())
    throw new CertificateFileError(files.cert, `has expired; ${wayOut}`);
  return { cert, key, certificate };
}

function requireKey(pem: string, files: AuthorityFiles): KeyObject {
  const key = parsePrivateKey(pem);
  if (key?.asymmetricKeyDetails?.namedCurve === "prime256v1") return key;
  throw new CertificateFileError(files.key, `is not an ECDSA P-256 private key in PEM form; ${wayOut}`);
}
