import { validateHeaderName, validateHeaderValue } from "node:http";
import { readFile } from "node:fs/promises";
import { parseCertificates } from "capability-sdk/pem";
import { ConfigError } from "../../config-error.ts";
import type { TraceConfig } from "../../trace-config.ts";

/** What is in the files that the configuration of traces names. */
export interface TraceFiles {
  readonly headers: Readonly<Record<string, string>>;
  /** PEM. */
  readonly ca: string | undefined;
}

/** @throws ConfigError naming the flag and the file that cannot be used, and nothing that is in it. */
export async function readTraceFiles({ headersFile, caFile }: TraceConfig): Promise<TraceFiles> {
  return {
    headers: headersFile === undefined ? {} : await readHeaders(headersFile),
    ca: caFile === undefined ? undefined : await readCertificates(caFile),
  };
}

async function readHeaders(file: string): Promise<TraceFiles["headers"]> {
  const headers = parseHeaderLines(await read("--otlp-headers-file", file));
  if (headers !== undefined) return headers;
  throw new ConfigError(
    `--otlp-headers-file: ${file} has another line than headers, each once, as in Authorization: Bearer TOKEN`,
  );
}

async function readCertificates(file: string): Promise<string> {
  const pem = await read("--otlp-ca", file);
  if (parseCertificates(pem) !== undefined) return pem;
  throw new ConfigError(`--otlp-ca: ${file} is not a CA certificate in PEM`);
}

async function read(flag: string, file: string): Promise<string> {
  return readFile(file, "utf8").catch((cause: unknown) => {
    throw new ConfigError(`${flag}: ${file} cannot be read`, { cause });
  });
}

/** Headers that say how the request is framed and what is in it, and where it goes. */
const OWN_HEADERS = /^(?:connection|content-.*|expect|host|transfer-encoding|trailer|upgrade|user-agent)$/;

/**
 * Parses the lines of a file: `Name: value`. Empty lines, and those that begin with "#", are left out.
 *
 * @returns the headers by their names in lower case; nothing if a line is none, or names a header twice.
 */
export function parseHeaderLines(text: string): TraceFiles["headers"] | undefined {
  const headers = new Map<string, string>();
  for (const line of text.split("\n")) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const at = trimmed.indexOf(":");
    const name = trimmed.slice(0, Math.max(at, 0)).toLowerCase();
    const value = trimmed.slice(at + 1).trim();
    if (!isHeader(name, value) || OWN_HEADERS.test(name) || headers.has(name)) return undefined;
    headers.set(name, value);
  }
  return Object.fromEntries(headers);
}

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return value !== "";
  } catch {
    return false;
  }
}
