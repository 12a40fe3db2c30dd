import { join, resolve } from "node:path";
import type { EventLog } from "../telemetry/events.ts";
import type { DataConfig, ServeConfig } from "../config.ts";
import { readIfPresent } from "../private-files.ts";
import { CertificateFileError } from "../tls/errors.ts";
import { ownAuthorities } from "../service/own-authorities.ts";
import type { EnsuredCertificate } from "../tls/server-certificate.ts";
import { ensureServerCertificate } from "../tls/server-certificate.ts";
import { dataPaths } from "./data-directory.ts";

/** How often the service's own certificate is checked, in milliseconds: one made by a wrong clock is refused by clients until then. */
export const RENEWAL_CHECK_INTERVAL_MS: number = 60 * 60 * 1_000;

/**
 * Reads the certificate of the private CA, and makes or renews it where needed.
 *
 * @returns nothing if the certificate was given, or TLS is off.
 */
export async function ensureManagedCertificate(
  config: ServeConfig,
  log: Pick<EventLog, "fault">,
  options: { readonly mayReplaceCA?: boolean } = {},
): Promise<EnsuredCertificate | undefined> {
  if (config.tls.kind !== "private-ca") return undefined;
  const authorities = ownAuthorities(config);
  const directory = dataPaths(config).tls;
  const certificate = await ensureServerCertificate({ directory, authorities, now: new Date(), ...options });
  if (certificate.saveError !== undefined) log.fault(certificate.saveError);
  return certificate;
}

/** The path of the private CA's certificate. */
export function privateCAPath(config: DataConfig): string {
  return resolve(join(dataPaths(config).tls, "ca.pem"));
}

/** Reads the private CA's certificate, if it is in use and was made. */
export async function loadPrivateCA(config: ServeConfig): Promise<string | undefined> {
  return config.tls.kind === "private-ca" ? readIfPresent(privateCAPath(config)) : undefined;
}

/** Runs a check of the certificate and logs its error: the certificate in use stays. */
export async function logCertificateErrors(log: EventLog, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    if (error instanceof CertificateFileError)
      log.certificateRejected({ file: error.file, problem: error.problem });
    else log.fault(error);
  }
}
