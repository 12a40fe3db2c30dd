import type { ConnectionOptions, PeerCertificate } from "node:tls";
import { checkServerIdentity } from "node:tls";
import { isIP } from "node:net";
import type { ConnectionConfig } from "./config/connection-config.ts";

/**
 * What TLS checks of the server, by the mode: nothing (`require` without a CA), that a CA signed its certificate (`verify-ca`, and
 * `require` with a CA, as in libpq), or that the certificate is also for this host (`verify-full`).
 *
 * @returns nothing without TLS.
 */
export function tlsOptions({
  host,
  sslMode,
  ca,
  cert,
  key,
}: Pick<ConnectionConfig, "host" | "sslMode" | "ca" | "cert" | "key">): ConnectionOptions | undefined {
  if (sslMode === "disable") return undefined;
  return {
    minVersion: "TLSv1.2",
    // No name for an address (RFC 6066 §3).
    servername: isIP(host) === 0 ? host : "",
    rejectUnauthorized: sslMode !== "require" || ca !== undefined,
    checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
      sslMode === "verify-full" ? checkServerIdentity(host, certificate) : undefined,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
