import { createReadStream } from "node:fs";
import { type Parsed, ok, refuse } from "capability-protocol/result";
import { parseCertificates } from "capability-sdk/pem";
import { describeFileError } from "../errors/file-error.ts";
import { MIB, readAtMost } from "../read-at-most.ts";

/**
 * Reads only the certificates of a PEM file: a private key in the same file is left out. Errors repeat neither the contents nor
 * the name of the file, which may be a pasted secret.
 */
export async function readCaFile(path: string): Promise<Parsed<string>> {
  const text = await readText(path);
  if (!text.ok) return text;
  const certificates = parseCertificates(text.value);
  if (certificates === undefined)
    return refuse("cacert", `${EXPECTED}; this file has none, or an invalid one`);
  return ok(certificates.map(String).join(""));
}

const EXPECTED = "the path of a file of PEM certificates, without ~";

async function readText(path: string): Promise<Parsed<string>> {
  try {
    const bytes = await readAtMost(createReadStream(path), MIB);
    if (bytes === undefined) return refuse("cacert", `${EXPECTED}; this one is over 1 MiB`);
    return ok(bytes.toString("utf8"));
  } catch (cause) {
    return refuse("cacert", `${EXPECTED}; ${describeFileError(cause)}`);
  }
}
