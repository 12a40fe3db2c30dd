import type { TargetBody } from "capability-sdk";
import { Failure } from "../../failure/failure.ts";
import type { Given } from "../given.ts";
import type { Option } from "../option.ts";
import { readHeaderLines } from "./header-line.ts";

const AWS4 = "AWS Signature Version 4:";
const CAP1 = "CAP1-HMAC-SHA512:";
const TLS = "TLS to the target:";

export type TargetName =
  | "uri"
  | "method"
  | "header"
  | "allow-query"
  | "timeout-ms"
  | "aws4-hmac-sha256-aws-access-key-id"
  | "aws4-hmac-sha256-region"
  | "aws4-hmac-sha256-service"
  | "aws4-hmac-sha256-secret-access-key"
  | "aws4-hmac-sha256-session-token"
  | "cap1-hmac-sha512-key"
  | "cap1-hmac-sha512-key-id"
  | "tls-ca"
  | "tls-cert"
  | "tls-key"
  | "tls-reject-unauthorized";

/** Options of a target, by the fields of the export body that they fill. */
export const TARGET_OPTIONS: Readonly<Record<TargetName, Option>> = {
  uri: { takes: "secret", describe: "The target's URI, http or https, or @FILE" },
  method: { takes: "text", short: "X", describe: "Its method [default: the requester's]" },
  header: {
    takes: "secret",
    repeats: true,
    short: "H",
    describe: '"Name: value" to send to it, repeatable; @FILE holds such lines',
  },
  "allow-query": { takes: "switch", describe: "Whether requesters may add a query [default: false]" },
  "timeout-ms": { takes: "text", describe: "Longest silence of the target in milliseconds" },
  "aws4-hmac-sha256-aws-access-key-id": { takes: "secret", describe: "Access key ID", group: AWS4 },
  "aws4-hmac-sha256-region": { takes: "text", describe: "Region, such as us-east-1", group: AWS4 },
  "aws4-hmac-sha256-service": { takes: "text", describe: "Service, such as lambda or s3", group: AWS4 },
  "aws4-hmac-sha256-secret-access-key": {
    takes: "secret",
    describe: "Secret access key, @FILE or @-",
    group: AWS4,
  },
  "aws4-hmac-sha256-session-token": {
    takes: "secret",
    describe: "Session token of temporary credentials, @FILE or @-",
    group: AWS4,
  },
  "cap1-hmac-sha512-key": { takes: "secret", describe: "Key in base64url, @FILE or @-", group: CAP1 },
  "cap1-hmac-sha512-key-id": { takes: "text", describe: "Name of the key", group: CAP1 },
  "tls-ca": { takes: "secret", describe: "CA to trust for the target: PEM, or @FILE", group: TLS },
  "tls-cert": { takes: "secret", describe: "Client certificate: PEM, or @FILE", group: TLS },
  "tls-key": { takes: "secret", describe: "Its private key: PEM, @FILE or @-", group: TLS },
  "tls-reject-unauthorized": {
    takes: "switch",
    describe: "Whether the target's certificate is checked [default: true]",
    group: TLS,
  },
};

type TargetGiven = Given<TargetName>;

/**
 * The body of an export from the options of a target; `undefined` if none was given. What the fields may hold is the
 * protocol's to say; here is only what options alone can get wrong.
 *
 * @throws Failure that names the option.
 */
export async function readTarget(given: TargetGiven): Promise<TargetBody | undefined> {
  const rest = {
    method: given.text("method"),
    headers: await readHeaders(given),
    allowQuery: given.isOn("allow-query"),
    timeoutMs: readTimeout(given),
    hmac: await readHmac(given),
    tls: await readTls(given),
  };
  const uri = await given.secret("uri");
  if (uri !== undefined) return { uri, ...rest };
  if (isNothing(rest)) return undefined;
  throw new Failure("--uri: expected the target's URI, which the other options belong to");
}

function isNothing(values: object): boolean {
  return Object.values(values).every((value) => value === undefined);
}

function readTimeout(given: TargetGiven): number | undefined {
  const text = given.text("timeout-ms");
  if (text === undefined) return undefined;
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new Failure("--timeout-ms: expected a whole number of milliseconds over 0");
}

async function readHeaders(given: TargetGiven): Promise<TargetBody["headers"]> {
  const lines = readHeaderLines(await given.secrets("header"));
  const names = new Set<string>();
  for (const [name] of lines) {
    const folded = name.toLowerCase();
    if (names.has(folded))
      throw new Failure(`--header ${name}: expected once, a target holds one value a name`);
    names.add(folded);
  }
  return lines.length === 0 ? undefined : Object.fromEntries(lines);
}

async function readHmac(given: TargetGiven): Promise<TargetBody["hmac"]> {
  const aws4 = await readAws4(given);
  const cap1 = await readCap1(given);
  if (aws4 !== undefined && cap1 !== undefined) {
    throw new Failure(
      "--cap1-hmac-sha512-key: expected without --aws4-hmac-sha256-…, a request has one signature",
    );
  }
  if (aws4 !== undefined) return { "aws4-hmac-sha256": aws4 };
  return cap1 === undefined ? undefined : { "cap1-hmac-sha512": cap1 };
}

async function readAws4(given: TargetGiven) {
  const awsAccessKeyId = await given.secret("aws4-hmac-sha256-aws-access-key-id");
  const region = given.text("aws4-hmac-sha256-region");
  const service = given.text("aws4-hmac-sha256-service");
  const secretAccessKey = await given.secret("aws4-hmac-sha256-secret-access-key");
  const sessionToken = await given.secret("aws4-hmac-sha256-session-token");
  if (isNothing([awsAccessKeyId, region, service, secretAccessKey, sessionToken])) return undefined;
  return {
    awsAccessKeyId: requirePart(awsAccessKeyId, "aws4-hmac-sha256-aws-access-key-id", AWS4),
    region: requirePart(region, "aws4-hmac-sha256-region", AWS4),
    service: requirePart(service, "aws4-hmac-sha256-service", AWS4),
    secretAccessKey: requirePart(secretAccessKey, "aws4-hmac-sha256-secret-access-key", AWS4),
    sessionToken,
  };
}

async function readCap1(given: TargetGiven) {
  const key = await given.secret("cap1-hmac-sha512-key");
  const keyId = given.text("cap1-hmac-sha512-key-id");
  if (isNothing([key, keyId])) return undefined;
  return {
    key: requirePart(key, "cap1-hmac-sha512-key", CAP1),
    keyId: requirePart(keyId, "cap1-hmac-sha512-key-id", CAP1),
  };
}

async function readTls(given: TargetGiven): Promise<TargetBody["tls"]> {
  const tls = {
    ca: await given.secret("tls-ca"),
    cert: await given.secret("tls-cert"),
    key: await given.secret("tls-key"),
    rejectUnauthorized: given.isOn("tls-reject-unauthorized"),
  };
  return isNothing(tls) ? undefined : tls;
}

function requirePart(value: string | undefined, name: TargetName, group: string): string {
  if (value === undefined) throw new Failure(`--${name}: expected, ${group.slice(0, -1)} needs it`);
  return value;
}
