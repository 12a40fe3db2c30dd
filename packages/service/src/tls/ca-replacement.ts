import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createFile, readIfPresent } from "../private-files.ts";
import { ensureCertificateAuthority } from "./certificate-authority.ts";
import type { CertificateAuthority, CertificateAuthorityFiles } from "./certificate-authority.ts";
import type { SubjectAltName } from "./subject-alt-name.ts";
import { CertificateFileError } from "./errors.ts";
import { permits } from "./name-constraints.ts";

/** Whether the CA may issue a certificate for all of the names. */
export async function mayIssue(cert: string, names: readonly SubjectAltName[]): Promise<boolean> {
  const { readNameConstraints } = await import("./x509.ts");
  const constraints = readNameConstraints(cert);
  return constraints === undefined || names.every((name) => permits(constraints, name));
}

/**
 * Replaces a CA that is constrained to other names. The old one is archived in the same directory as `ca-ID.pem` and `ca-ID.key`:
 * a start with the old names, for example after a mistake, restores it, and clients still trust it. One process at a time does
 * this, since the files of two CAs must not be mixed.
 *
 * @throws CertificateFileError while another process does this, and after one was killed while it did.
 */
export async function replaceCertificateAuthority(
  files: CertificateAuthorityFiles,
  names: readonly SubjectAltName[],
  now: Date,
): Promise<CertificateAuthority> {
  const lock = join(dirname(files.cert), "replacing.lock");
  if (!(await createFile(lock, "", 0o600))) {
    throw new CertificateFileError(
      lock,
      "another process is replacing the CA for new names: start again; if none is running, remove this file",
    );
  }
  try {
    const current = await ensureCertificateAuthority(files, names, now);
    // Another process has replaced it meanwhile.
    if (await mayIssue(current.cert, names)) return current;
    await archive(files, current);
    const archived = await findArchived(files, names, now);
    await rm(files.cert);
    await rm(files.key);
    if (archived !== undefined) {
      await createFile(files.key, archived.key, 0o600);
      await createFile(files.cert, archived.cert, 0o644);
    }
    return await ensureCertificateAuthority(files, names, now);
  } finally {
    await rm(lock);
  }
}

/**
 * Cleans up after a process that was killed while it replaced the CA: removes a key without its certificate. A second
 * certificate for the same key and name would conflict with the archived one.
 */
export async function finishReplacement(files: CertificateAuthorityFiles): Promise<void> {
  if ((await readIfPresent(files.cert)) !== undefined) return;
  const key = await readIfPresent(files.key);
  if (key === undefined) return;
  for (const id of await archivedIds(files)) {
    if ((await readIfPresent(archivedFiles(files, id).key)) === key) await rm(files.key, { force: true });
  }
}

function archivedFiles(files: CertificateAuthorityFiles, id: string): CertificateAuthorityFiles {
  const directory = dirname(files.cert);
  return { cert: join(directory, `ca-${id}.pem`), key: join(directory, `ca-${id}.key`) };
}

async function archive(
  files: CertificateAuthorityFiles,
  { cert, key, certificate }: CertificateAuthority,
): Promise<void> {
  const id = certificate.fingerprint256.replaceAll(":", "").slice(0, 16).toLowerCase();
  const archived = archivedFiles(files, id);
  // The name is derived from the content, so an existing file is the same.
  await createFile(archived.key, key, 0o600);
  await createFile(archived.cert, cert, 0o644);
}

/** Finds an archived CA that is usable and may issue for the names. */
async function findArchived(
  files: CertificateAuthorityFiles,
  names: readonly SubjectAltName[],
  now: Date,
): Promise<CertificateAuthority | undefined> {
  for (const id of await archivedIds(files)) {
    const candidate = archivedFiles(files, id);
    if ((await readIfPresent(candidate.key)) === undefined) continue;
    const authority = await ensureCertificateAuthority(candidate, names, now).catch(() => undefined);
    if (authority !== undefined && (await mayIssue(authority.cert, names))) return authority;
  }
  return undefined;
}

async function archivedIds(files: CertificateAuthorityFiles): Promise<readonly string[]> {
  const entries = await readdir(dirname(files.cert));
  return entries.flatMap((entry) => /^ca-([0-9a-f]{16})\.pem$/.exec(entry)?.[1] ?? []);
}
