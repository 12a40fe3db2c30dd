import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { ensureCertificateAuthority } from "./certificate-authority.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { toSubjectAltName } from "./subject-alt-name.ts";
import type { SubjectAltName } from "./subject-alt-name.ts";
import { CertificateFileError } from "./errors.ts";
import { makePrivateDirectory, readIfPresent, replaceFile } from "../private-files.ts";
import { finishReplacement, mayIssue, replaceCertificateAuthority } from "./ca-replacement.ts";
import { renewalReason } from "./renewal.ts";
import { parseCertificates } from "capability-sdk/pem";
import { parsePrivateKey } from "../pem.ts";
import type { CertificateAndKey } from "./x509.ts";

/** What a TLS server presents, and what its clients must trust; all in PEM. */
export interface ServerCertificate {
  /** The CA's certificate. */
  readonly ca: string;
  /** The leaf, followed by intermediates if it has any. */
  readonly cert: string;
  readonly key: string;
  /** When the leaf expires. */
  readonly expires: Date;
}

/**
 * Reads the server certificate in `directory` (`ca.pem`, `ca.key`, `leaf.pem`, `leaf.key`), and makes or renews it when needed:
 * when there is none, when it has less than 30 days left, does not name every authority, does not match its key or was not
 * issued by the CA. A new CA is constrained to the names. A leaf that cannot be saved, for example on a full disk, is still
 * used; `saveError` has the reason.
 *
 * @throws CertificateFileError when the CA's files exist and cannot be used
 * @throws TypeError when an authority is not `host[:port]`
 */
export async function ensureServerCertificate(options: {
  readonly directory: string;
  /** `host[:port]` of every name of the service. */
  readonly authorities: readonly string[];
  readonly now: Date;
  /** Replaces a CA that is constrained to other names. Without it, such a CA is an error. */
  readonly mayReplaceCA?: boolean;
}): Promise<EnsuredCertificate> {
  const { directory, now, mayReplaceCA = false } = options;
  const names = options.authorities.map(toSubjectAltName);
  await makePrivateDirectory(directory);
  const caFiles = { cert: join(directory, "ca.pem"), key: join(directory, "ca.key") };
  await finishReplacement(caFiles);
  const current = await ensureCertificateAuthority(caFiles, names, now);
  const files = { cert: join(directory, "leaf.pem"), key: join(directory, "leaf.key") };
  const existing = await readLeaf(files, current, names, now);
  // The CA issued this leaf for the names, so its constraints need no check.
  if (existing !== undefined)
    return toEnsuredCertificate(existing, current, { renewed: false, replacedCA: false });
  const isPermitted = await mayIssue(current.cert, names);
  if (!isPermitted && !mayReplaceCA)
    throw new CertificateFileError(
      caFiles.cert,
      "is constrained to other names; a start with these makes a new CA",
    );
  const authority = isPermitted ? current : await replaceCertificateAuthority(caFiles, names, now);
  const leaf = await renewLeaf(files, authority, names, now);
  return toEnsuredCertificate(leaf, authority, { renewed: true, replacedCA: !isPermitted });
}

export interface EnsuredCertificate extends ServerCertificate {
  /** The leaf was made or renewed. */
  readonly renewed: boolean;
  /** The CA was replaced; clients must trust the new one. */
  readonly replacedCA: boolean;
  /** Why the leaf could not be saved. */
  readonly saveError?: unknown;
}

function toEnsuredCertificate(
  leaf: IssuedLeaf,
  authority: CertificateAuthority,
  what: Pick<EnsuredCertificate, "renewed" | "replacedCA">,
): EnsuredCertificate {
  return { ...leaf, ...what, ca: authority.cert, expires: expiryOf(leaf) };
}

/**
 * Reads a certificate and key that another CA issued.
 *
 * @throws CertificateFileError when a file is missing, does not parse, or the two do not belong together
 */
export async function loadServerCertificate(files: {
  readonly certFile: string;
  readonly keyFile: string;
}): Promise<Omit<ServerCertificate, "ca">> {
  const { certFile, keyFile } = files;
  // One after the other, so that of two missing files the same one is always named.
  const cert = await readRequired(certFile);
  const key = await readRequired(keyFile);
  const [certificate] = parseCertificates(cert) ?? [];
  if (certificate === undefined) throw new CertificateFileError(certFile, "is not a certificate in PEM form");
  const privateKey = parsePrivateKey(key);
  if (privateKey === undefined)
    throw new CertificateFileError(keyFile, "is not a private key in PEM form without a passphrase");
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new CertificateFileError(
      keyFile,
      `is not the key of the first certificate in ${certFile}; the server's own certificate comes first`,
    );
  }
  return { cert, key, expires: new Date(certificate.validTo) };
}

/** Reads the leaf on disk, if it is still valid. No problem with these two files is an error, since both can be made again. */
async function readLeaf(
  files: CertificateAndKey,
  authority: CertificateAuthority,
  names: readonly SubjectAltName[],
  now: Date,
): Promise<CertificateAndKey | undefined> {
  const [cert, key] = await Promise.all([readIfPresent(files.cert), readIfPresent(files.key)]);
  if (cert === undefined || key === undefined) return undefined;
  const [certificate] = parseCertificates(cert) ?? [];
  const privateKey = parsePrivateKey(key);
  if (certificate === undefined || privateKey === undefined) return undefined;
  const reason = renewalReason({ certificate, key: privateKey }, authority.certificate, names, now);
  return reason === undefined ? { cert, key } : undefined;
}

/** Issues and saves a leaf. A pair that a crash or another process wrote in part does not match, and is renewed at the next check. */
async function renewLeaf(
  files: CertificateAndKey,
  authority: CertificateAuthority,
  names: readonly SubjectAltName[],
  now: Date,
): Promise<IssuedLeaf> {
  const { issueServerCertificate } = await import("./x509.ts");
  const leaf = await issueServerCertificate(authority, names, now);
  try {
    await replaceFile(files.key, leaf.key, 0o600);
    await replaceFile(files.cert, leaf.cert, 0o644);
    return leaf;
  } catch (saveError) {
    return { ...leaf, saveError };
  }
}

interface IssuedLeaf extends CertificateAndKey {
  /** Why the leaf could not be saved. */
  readonly saveError?: unknown;
}

function expiryOf({ cert }: CertificateAndKey): Date {
  return new Date(new X509Certificate(cert).validTo);
}

async function readRequired(path: string): Promise<string> {
  try {
    const text = await readIfPresent(path);
    if (text !== undefined) return text;
  } catch (cause) {
    throw new CertificateFileError(path, "cannot be read", { cause });
  }
  throw new CertificateFileError(path, "does not exist");
}
