import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ServeConfig } from "../../config.ts";
import { readIfPresent } from "../../private-files.ts";
import { loadServerCertificate } from "../../tls/server-certificate.ts";
import { dataPaths } from "../data-directory.ts";
import type { Finding } from "./finding.ts";
import { messageOf } from "./finding.ts";

const DAY_MS = 86_400_000;

export async function checkCertificate(config: ServeConfig, now: Date): Promise<Finding> {
  switch (config.tls.kind) {
    case "none":
      return { ok: true, what: "certificate: none (--no-tls): a proxy must terminate TLS" };
    case "files":
      try {
        return describeExpiry((await loadServerCertificate(config.tls)).expires, now);
      } catch (error) {
        return { ok: false, what: `certificate: ${messageOf(error)}` };
      }
    case "private-ca": {
      const leaf = join(dataPaths(config).tls, "leaf.pem");
      if (!existsSync(leaf)) return { ok: true, what: "certificate: none yet, the first start makes one" };
      try {
        const certificate = new X509Certificate(await readFile(leaf));
        return describeExpiry(new Date(certificate.validTo), now);
      } catch {
        return { ok: true, what: `certificate: ${leaf} is damaged, the next start makes a new one` };
      }
    }
  }
}

function describeExpiry(expires: Date, now: Date): Finding {
  const days = Math.floor((expires.getTime() - now.getTime()) / DAY_MS);
  return {
    ok: days >= 0,
    what: `certificate: ${days >= 0 ? `valid for ${days} days` : "expired: renew it (the service's own is renewed by a start)"}`,
  };
}

export async function checkPrivateCA({ tls, ...config }: ServeConfig): Promise<readonly Finding[]> {
  if (tls.kind !== "private-ca") return [];
  const file = join(dataPaths(config).tls, "ca.pem");
  const cert = await readIfPresent(file);
  if (cert === undefined) return [];
  const { readNameConstraints } = await import("../../tls/x509.ts");
  if (readNameConstraints(cert) !== undefined) return [];
  const what = `private CA: ${file} was made by an older version and can certify any name, and so can anyone who steals its key. Move ca.pem and ca.key away, start, and give clients the new ca.pem`;
  return [{ ok: true, isWarning: true, what }];
}
