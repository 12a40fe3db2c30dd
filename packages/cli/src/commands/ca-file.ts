import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Parsed, accept, refuse } from "capability-protocol";

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const ANNOUNCED = /-----BEGIN (?:\w+ )*CERTIFICATE-----/g;

/**
 * The certificates of a PEM file and nothing else of it: a private key that stands beside them goes nowhere. Refusals
 * repeat neither the file nor its name, in whose place somebody may have pasted a secret.
 */
export async function readCaFile(path: string): Promise<Parsed<string>> {
  const text = await readText(path);
  if (text === undefined) return refuse("cacert", `${EXPECTED}; there is no such file, or it cannot be read`);
  const certificates = splitCertificates(text);
  if (certificates === undefined) return refuse("cacert", `${EXPECTED}; this file has none, or a broken one`);
  return accept(certificates.map((block) => `${block}\n`).join(""));
}

/** The PEM blocks of all certificates, in order; `undefined` when there is none or one does not parse. */
export function splitCertificates(pem: string): readonly string[] | undefined {
  const blocks = pem.match(BLOCK) ?? [];
  if (blocks.length === 0 || blocks.length !== pem.match(ANNOUNCED)?.length) return undefined;
  return blocks.every(isCertificate) ? blocks : undefined;
}

const EXPECTED = "a file of PEM certificates, its path written out (no ~)";

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).fingerprint256 !== "";
  } catch {
    return false;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
