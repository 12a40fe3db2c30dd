import { createReadStream } from "node:fs";
import type { Authority } from "capability-protocol";
import { normalizeAuthority, parseAuthority } from "capability-protocol";
import { parseCertificates } from "capability-sdk/pem";
import { CliError } from "../errors/cli-error.ts";
import { fileReadError } from "../errors/file-error.ts";
import { MIB, readAtMost } from "../read-at-most.ts";

const OPTION = "--trustedCA-file-path";
const FORM =
  'It looks like {"host:port": "-----BEGIN CERTIFICATE-----…"}. For one CA, --cacert FILE does with PEM alone.';

/** Thousands of authorities. */
const MAX_FILE_BYTES = 16 * MIB;

/**
 * Authorities and the CAs to trust for them, from a JSON file.
 *
 * @throws CliError that names the option, for a file that cannot be read or holds something else.
 */
export async function readTrustFile(path: string): Promise<ReadonlyMap<Authority, string>> {
  const bytes = await readAtMost(createReadStream(path), MAX_FILE_BYTES).catch((cause: unknown) => {
    throw fileReadError(OPTION, path, cause, FORM);
  });
  if (bytes === undefined) throw malformed("it is over 16 MiB");
  const entries = parseObject(new TextDecoder().decode(bytes));
  if (entries === undefined) throw malformed("it is no JSON object");
  return new Map(entries.map(([name, pem]) => readEntry(name, pem)));
}

function readEntry(name: string, pem: unknown): readonly [Authority, string] {
  const authority = parseAuthority(name);
  if (authority === undefined) throw malformed("one of its names is no authority");
  if (typeof pem !== "string" || parseCertificates(pem) === undefined) {
    throw malformed(`what stands for ${authority} is no certificate in PEM`);
  }
  return [normalizeAuthority(authority), pem];
}

/** The decoder has dropped a byte order mark, which some editors put before JSON. */
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
