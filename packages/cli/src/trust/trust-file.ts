import { createReadStream } from "node:fs";
import type { Authority } from "capability-protocol";
import { normalizeAuthority, parseAuthority } from "capability-protocol/authority";
import { parseCertificates } from "capability-sdk/pem";
import { CliError } from "../errors/cli-error.ts";
import { fileReadError } from "../errors/file-error.ts";
import { MIB, readAtMost } from "../read-at-most.ts";

const OPTION = "--trustedCA-file-path";
const FORM =
  'Its form is {"host:port": "-----BEGIN CERTIFICATE-----…"}. For one CA, use --cacert FILE with a PEM file.';

/** Enough for thousands of authorities. */
const MAX_FILE_BYTES = 16 * MIB;

/**
 * Reads authorities and the CAs to trust for them from a JSON file.
 *
 * @throws CliError that names the option, for a file that cannot be read or has another form.
 */
export async function readTrustFile(path: string): Promise<ReadonlyMap<Authority, string>> {
  const bytes = await readAtMost(createReadStream(path), MAX_FILE_BYTES).catch((cause: unknown) => {
    throw fileReadError(OPTION, path, cause, FORM);
  });
  if (bytes === undefined) throw malformed("it is over 16 MiB");
  const entries = parseObject(new TextDecoder().decode(bytes));
  if (entries === undefined) throw malformed("it is not a JSON object");
  return new Map(entries.map(([name, pem]) => readEntry(name, pem)));
}

function readEntry(name: string, pem: unknown): readonly [Authority, string] {
  const authority = parseAuthority(name);
  if (authority === undefined) throw malformed("one of its names is not an authority");
  if (typeof pem !== "string" || parseCertificates(pem) === undefined) {
    throw malformed(`the value for ${authority} is not a certificate in PEM`);
  }
  return [normalizeAuthority(authority), pem];
}

/** Parses an object. The decoder has dropped a byte order mark, which some editors write before JSON. */
function parseObject(text: string): readonly (readonly [string, unknown])[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? Object.entries(value) : undefined;
  } catch {
    return undefined;
  }
}

function malformed(what: string): CliError {
  return new CliError(`${OPTION}: expected a JSON object of authorities and their CAs in PEM; ${what}`, FORM);
}
