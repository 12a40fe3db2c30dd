import { readFile } from "node:fs/promises";
import type { Authority } from "capability-protocol";
import { parseCertificates } from "capability-sdk/pem";
import type { ServeConfig } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import { readTraceFiles } from "./traces/trace-files.ts";
import type { ProvidedCertificate } from "../tls/certificate-source.ts";
import { loadServerCertificate } from "../tls/server-certificate.ts";

/** What is in the files that the configuration names. */
export interface ConfiguredFiles {
  readonly authorityCas: ReadonlyMap<Authority, string>;
  /** Absent if no certificate was given. */
  readonly certificate: ProvidedCertificate | undefined;
}

/** @throws ConfigError naming the flag and the file that cannot be used. */
export async function readConfiguredFiles(config: ServeConfig): Promise<ConfiguredFiles> {
  // Each process that serves reads them itself; here they are only checked.
  if (config.traces !== undefined) await readTraceFiles(config.traces);
  return {
    authorityCas: await readAuthorityCas(config.authorityCaFiles),
    certificate: await readConfiguredCertificate(config),
  };
}

/** @throws ConfigError naming the file that cannot be used. */
export async function readAuthorityCas(
  files: ReadonlyMap<Authority, string>,
): Promise<ReadonlyMap<Authority, string>> {
  const read = Array.from(files, async ([authority, file]): Promise<[Authority, string]> => {
    const pem = await readFile(file, "utf8").catch((cause: unknown) => {
      throw new ConfigError(`--authority-ca: ${file} cannot be read, expected a CA certificate in PEM`, {
        cause,
      });
    });
    if (parseCertificates(pem) === undefined) {
      throw new ConfigError(`--authority-ca: ${file} is not a CA certificate in PEM`);
    }
    return [authority, pem];
  });
  return new Map(await Promise.all(read));
}

async function readConfiguredCertificate({ tls }: ServeConfig): Promise<ProvidedCertificate | undefined> {
  if (tls.kind !== "files") return undefined;
  return loadServerCertificate(tls).catch((cause: unknown) => {
    const problem = cause instanceof Error ? cause.message : "cannot be read";
    throw new ConfigError(`--tls-cert, --tls-key: ${problem}`, { cause });
  });
}
