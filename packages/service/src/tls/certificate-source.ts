import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { err, ok } from "capability-protocol";
import type { Result } from "capability-protocol";
import { CertificateFileError } from "./errors.ts";
import { loadServerCertificate } from "./server-certificate.ts";
import type { ServerCertificate } from "./server-certificate.ts";

/** Certificate files that another program renews. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export type ProvidedCertificate = Omit<ServerCertificate, "ca">;

/** A pair that can be used, and whether it is the one in use. */
export type CertificateRead =
  | { readonly kind: "changed"; readonly certificate: ProvidedCertificate }
  | { readonly kind: "unchanged"; readonly expires: Date };

/** The result of reading the files: a pair that cannot be used is refused. `problem` has no text from the files. */
export type CertificateReadResult = Result<CertificateRead, Pick<CertificateFileError, "file" | "problem">>;

/** A server certificate in files that change. */
export interface CertificateSource {
  /**
   * Reads both files and compares them with the certificate in use. This detects renamed files, changed symbolic links
   * (Kubernetes) and files written in place, whatever their timestamps.
   */
  read(now: Date): Promise<CertificateReadResult>;
}

/** @param onChange passes a new pair to the server, or to all workers. */
export function createCertificateSource(
  files: CertificateFiles,
  initial: ProvidedCertificate,
  onChange: (certificate: ProvidedCertificate) => void,
): CertificateSource {
  let current = initial;
  return {
    async read(now) {
      const found = await load(files);
      if (found instanceof CertificateFileError) return err({ file: found.file, problem: found.problem });
      if (found.cert === current.cert && found.key === current.key)
        return ok({ kind: "unchanged", expires: current.expires });
      const rejected = (problem: string): CertificateReadResult => err({ file: files.certFile, problem });
      // An expired pair does not replace a valid one.
      if (found.expires <= now && current.expires > now) return rejected("has expired");
      if (new Date(new X509Certificate(found.cert).validFrom) > now) return rejected("is not valid yet");
      if (!isUsable(found)) return rejected("cannot be used by TLS");
      current = found;
      onChange(found);
      return ok({ kind: "changed", certificate: found });
    },
  };
}

/** Whether OpenSSL accepts the pair: it refuses some kinds and sizes of keys. */
function isUsable({ cert, key }: ProvidedCertificate): boolean {
  try {
    createSecureContext({ cert, key });
    return true;
  } catch {
    return false;
  }
}

async function load(files: CertificateFiles): Promise<ProvidedCertificate | CertificateFileError> {
  try {
    return await loadServerCertificate(files);
  } catch (error) {
    if (error instanceof CertificateFileError) return error;
    throw error;
  }
}
