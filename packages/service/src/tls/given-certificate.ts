import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { CertificateFileError } from "./errors.ts";
import { loadServerCertificate } from "./server-certificate.ts";
import type { ServerCertificate } from "./server-certificate.ts";

/** Files that somebody else renews. */
export interface GivenFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export type GivenCertificate = Omit<ServerCertificate, "ca">;

/** What a look at the files comes to. `problem` is in our own words. */
export type Look =
  | { readonly kind: "changed"; readonly certificate: GivenCertificate }
  | { readonly kind: "unchanged"; readonly expires: Date }
  | { readonly kind: "rejected"; readonly file: string; readonly problem: string };

/** The certificate that a server presents, taken from files that change. */
export interface GivenCertificateSource {
  /**
   * Reads the files and compares what is in them with what is presented. The two are read whole each time: a renamed file, a
   * symbolic link that leads elsewhere (Kubernetes) and a file written in place all show, whatever their times say.
   */
  look(now: Date): Promise<Look>;
}

/** @param present hands a pair that fits to the server, or to those that serve. */
export function createGivenCertificateSource(
  files: GivenFiles,
  presented: GivenCertificate,
  present: (certificate: GivenCertificate) => void,
): GivenCertificateSource {
  let current = presented;
  return {
    async look(now) {
      const found = await load(files);
      if (found instanceof CertificateFileError)
        return { kind: "rejected", file: found.file, problem: found.problem };
      if (found.cert === current.cert && found.key === current.key)
        return { kind: "unchanged", expires: current.expires };
      const rejected = (problem: string): Look => ({ kind: "rejected", file: files.certFile, problem });
      // Worse than the one that is presented, unless that one is no better.
      if (found.expires <= now && current.expires > now) return rejected("has expired");
      if (new Date(new X509Certificate(found.cert).validFrom) > now) return rejected("is not valid yet");
      if (!isUsable(found)) return rejected("cannot be used by TLS");
      current = found;
      present(found);
      return { kind: "changed", certificate: found };
    },
  };
}

/** Whether a handshake can be done with it: keys may be of a kind or a size that this OpenSSL refuses. */
function isUsable({ cert, key }: GivenCertificate): boolean {
  try {
    createSecureContext({ cert, key });
    return true;
  } catch {
    return false;
  }
}

async function load(files: GivenFiles): Promise<GivenCertificate | CertificateFileError> {
  try {
    return await loadServerCertificate(files);
  } catch (error) {
    if (error instanceof CertificateFileError) return error;
    throw error;
  }
}
