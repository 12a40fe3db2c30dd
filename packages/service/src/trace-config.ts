import { ConfigError } from "./config-error.ts";

/** Where traces are sent, and which. */
export interface TraceConfig {
  /** Of the collector's receiver: `…/v1/traces`. */
  readonly endpoint: URL;
  /** A file with the headers of each request to it. */
  readonly headersFile?: string;
  /** A file with the CA certificates of its private CA. */
  readonly caFile?: string;
  /** The share of the traces that are recorded, from 0 to 1. */
  readonly share: number;
}

export interface RawTraceFlags {
  readonly otlpEndpoint?: string | undefined;
  readonly otlpHeadersFile?: string | undefined;
  readonly otlpCa?: string | undefined;
  readonly otlpSample?: string | undefined;
}

/** The path of the receiver of traces (OTLP/HTTP). */
const TRACES_PATH = "/v1/traces";

/**
 * Reads where traces are sent.
 *
 * @returns nothing if they are not.
 * @throws ConfigError
 */
export function readTraceConfig(flags: RawTraceFlags): TraceConfig | undefined {
  const { otlpEndpoint, otlpHeadersFile, otlpCa, otlpSample } = flags;
  if (otlpEndpoint === undefined) {
    const given = Object.entries({ headersFile: otlpHeadersFile, ca: otlpCa, sample: otlpSample }).find(
      ([, value]) => value !== undefined,
    );
    if (given === undefined) return undefined;
    const flag = given[0] === "headersFile" ? "--otlp-headers-file" : `--otlp-${given[0]}`;
    throw new ConfigError(`${flag}: expected only with --otlp-endpoint`);
  }
  const endpoint = readEndpoint(otlpEndpoint);
  if (otlpCa !== undefined && endpoint.protocol === "http:")
    throw new ConfigError("--otlp-ca: expected only with an --otlp-endpoint of https");
  return {
    endpoint,
    share: readShare(otlpSample ?? "1"),
    ...(otlpHeadersFile === undefined ? {} : { headersFile: otlpHeadersFile }),
    ...(otlpCa === undefined ? {} : { caFile: otlpCa }),
  };
}

/** Without a password or a query, which everyone who lists the processes can read. The text is not repeated, since it may have one. */
function readEndpoint(text: string): URL {
  const url = toUrl(text);
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw new ConfigError(
      "--otlp-endpoint: expected the URL of a collector for OTLP over HTTP, as in http://127.0.0.1:4318",
    );
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    throw new ConfigError(
      "--otlp-endpoint: expected a URL without user, query and fragment: put credentials into --otlp-headers-file",
    );
  const path = url.pathname.replace(/\/$/, "");
  if (!path.endsWith(TRACES_PATH)) url.pathname = path + TRACES_PATH;
  return url;
}

function toUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function readShare(text: string): number {
  const share = /^(?:\d+(?:\.\d*)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (share >= 0 && share <= 1) return share;
  throw new ConfigError("--otlp-sample: expected a number from 0 to 1, as in 0.1 for a tenth");
}
