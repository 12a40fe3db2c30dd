import { parseMethod } from "../http-syntax.ts";
import type { Fields } from "../json/fields.ts";
import { type Openings, parseOpenings } from "../openings/openings.ts";
import { type Parsed, ok, refuse } from "../result.ts";
import { isS3Service } from "../signers/aws4-canonical.ts";
import { checkCap1Path, checkCap1Query } from "../signers/cap1-canonical.ts";
import type { HmacConfiguration } from "../signers/configuration.ts";
import { type ConfiguredHeader, parseTargetHeaders } from "./target-headers.ts";
import { parseHmac } from "./target-hmac.ts";
import { type TlsConfiguration, parseTls } from "./target-tls.ts";
import { type TargetUri, parseTargetUri } from "./target-uri.ts";

/**
 * The upstream request that an exported capability represents.
 *
 * @example
 * const uri = parseTargetUri("https://api.example/report");
 * const target: TargetConfiguration | undefined = uri.ok
 *   ? { uri: uri.value, headers: [["X-Api-Key", "secret"]], allowQuery: false }
 *   : undefined;
 * target?.method; // => undefined
 */
export interface TargetConfiguration extends Openings {
  readonly uri: TargetUri;
  /** Upper case; absent: the client's method. */
  readonly method?: string;
  /** Names as given, values without surrounding white space. No two names differ only in case. */
  readonly headers: readonly ConfiguredHeader[];
  /** Milliseconds without a byte after which the connection to the target ends. Absent: the service's own limit. */
  readonly timeoutMs?: number;
  readonly hmac?: HmacConfiguration;
  readonly tls?: TlsConfiguration;
}

export const TARGET_FIELDS: readonly string[] = [
  "uri",
  "method",
  "headers",
  "allowPath",
  "allowQuery",
  "allowHeaders",
  "encodedSlash",
  "emptySegments",
  "timeoutMs",
  "hmac",
  "tls",
];

export function parseTarget(fields: Fields): Parsed<TargetConfiguration> {
  const uri = parseTargetUri(fields.get("uri"));
  if (!uri.ok) return uri;
  const method = parseTargetMethod(fields.get("method"));
  if (!method.ok) return method;
  const headers = parseTargetHeaders(fields.get("headers"));
  if (!headers.ok) return headers;
  const timeoutMs = parseTimeout(fields.get("timeoutMs"));
  if (!timeoutMs.ok) return timeoutMs;
  const hmac = parseHmac(fields.get("hmac"));
  if (!hmac.ok) return hmac;
  const openings = parseSignableOpenings(fields, hmac.value);
  if (!openings.ok) return openings;
  const tls = parseTls(fields.get("tls"));
  if (!tls.ok) return tls;
  return checkConflicts({
    uri: uri.value,
    ...(method.value !== undefined && { method: method.value }),
    headers: headers.value,
    ...openings.value,
    ...(timeoutMs.value !== undefined && { timeoutMs: timeoutMs.value }),
    ...(hmac.value !== undefined && { hmac: hmac.value }),
    ...(tls.value !== undefined && { tls: tls.value }),
  });
}

function parseTargetMethod(value: unknown): Parsed<string | undefined> {
  if (value === undefined) return ok(undefined);
  const method = typeof value === "string" ? parseMethod(value) : undefined;
  return method === undefined
    ? refuse("method", "an HTTP method known to Node, except CONNECT and TRACE")
    : ok(method);
}

function parseTimeout(value: unknown): Parsed<number | undefined> {
  if (value === undefined) return ok(undefined);
  const isCount = typeof value === "number" && Number.isSafeInteger(value) && value > 0;
  return isCount ? ok(value) : refuse("timeoutMs", "an integer over 0");
}

function parseSignableOpenings(fields: Fields, hmac: HmacConfiguration | undefined): Parsed<Openings> {
  const openings = parseOpenings(fields);
  if (!openings.ok || openings.value.emptySegments !== true) return openings;
  // Other services of AWS sign the path with its slashes merged, which is not the path that is sent.
  return hmac?.scheme === "aws4-hmac-sha256" && !isS3Service(hmac.service)
    ? refuse("emptySegments", "false for a target that is signed for a service other than S3")
    : openings;
}

/** Refuses fields that are valid separately and not together. */
function checkConflicts(target: TargetConfiguration): Parsed<TargetConfiguration> {
  if (target.hmac === undefined) return ok(target);
  const authorization = target.headers.find(([name]) => name.toLowerCase() === "authorization");
  if (authorization !== undefined) {
    return refuse(
      `headers.${authorization[0]}`,
      "no Authorization header together with hmac, which sets one",
    );
  }
  if (target.hmac.scheme === "cap1-hmac-sha512") return checkSignableByCap1(target);
  return ok(target);
}

function checkSignableByCap1(target: TargetConfiguration): Parsed<TargetConfiguration> {
  const problem = checkCap1Path(target.uri.path) ?? checkCap1Query(target.uri.query);
  return problem === undefined ? ok(target) : refuse("uri", problem.expected);
}
