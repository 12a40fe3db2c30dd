import type { TargetBody } from "capability-sdk";
import { CliError } from "../../../errors/cli-error.ts";
import type { OptionValues } from "../../../parse/option-values.ts";
import { readHeaderLines } from "../../options/header-line.ts";
import { readOpenings } from "./openings.ts";
import type { TargetOptionName } from "./target-options.ts";
import { AWS4, CAP1, TARGET_OPTIONS } from "./target-options.ts";

type TargetOptionValues = OptionValues<TargetOptionName>;

/**
 * Builds the body of an export from the options of a target; returns `undefined` if none was given. The protocol checks the
 * fields; here only errors are checked that options alone can have.
 *
 * @throws CliError that names the option.
 */
export async function readTarget(values: TargetOptionValues): Promise<TargetBody | undefined> {
  const rest = {
    method: readMethod(values),
    headers: await readHeaders(values),
    ...readOpenings(values),
    timeoutMs: readTimeout(values),
    hmac: await readHmac(values),
    tls: await readTls(values),
  };
  const uri = await values.secret("uri");
  if (uri !== undefined) return { uri, ...rest };
  if (isAllUndefined(rest)) return undefined;
  throw new CliError("--uri: expected the target's URI, which the other options need");
}

/** Returns an option of a target that was given, if any was. */
export function findTargetOption({ given }: Pick<TargetOptionValues, "given">): string | undefined {
  return Object.keys(TARGET_OPTIONS).find((name) => given.has(name));
}

function isAllUndefined(values: object): boolean {
  return Object.values(values).every((value) => value === undefined);
}

/** Others take a list there; here, `--methods` limits and `--method` replaces. */
function readMethod(values: TargetOptionValues): string | undefined {
  const method = values.text("method");
  if (method?.includes(",") !== true) return method;
  throw new CliError(
    "--method: expected one method, with which every request is sent to the target",
    "--methods limits the methods of clients to a list.",
  );
}

function readTimeout(values: TargetOptionValues): number | undefined {
  const text = values.text("timeout-ms");
  if (text === undefined) return undefined;
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new CliError("--timeout-ms: expected a whole number of milliseconds over 0");
}

async function readHeaders(values: TargetOptionValues): Promise<TargetBody["headers"]> {
  const lines = readHeaderLines(await values.secrets("header"));
  const names = new Set<string>();
  for (const [name, value] of lines) {
    const folded = name.toLowerCase();
    if (names.has(folded))
      throw new CliError(`--header ${name}: expected once, a target has one value for each name`);
    names.add(folded);
    requireHeaderValue(name, value);
  }
  return lines.length === 0 ? undefined : Object.fromEntries(lines);
}

/** Names of headers that carry keys; any other header may be empty. */
const MAY_BE_CREDENTIAL = /auth|cookie|key|secret|token/i;

/** An unset variable leaves nothing, or `Bearer` alone. */
function requireHeaderValue(name: string, value: string): void {
  if (value === "" && MAY_BE_CREDENTIAL.test(name))
    throw new CliError(
      `--header ${name}: expected a value`,
      "Is a variable of the shell unset, or a file empty?",
    );
  if (name.toLowerCase() === "authorization" && /^(?:basic|bearer|token)$/i.test(value))
    throw new CliError(
      `--header ${name}: expected a key after ${value}`,
      "Is a variable of the shell unset, or a file empty?",
    );
}

async function readHmac(values: TargetOptionValues): Promise<TargetBody["hmac"]> {
  const aws4 = await readAws4(values);
  const cap1 = await readCap1(values);
  if (aws4 !== undefined && cap1 !== undefined) {
    throw new CliError(
      "--cap1-hmac-sha512-key: cannot be combined with --aws4-hmac-sha256-…, since a request has one signature",
    );
  }
  if (aws4 !== undefined) return { "aws4-hmac-sha256": aws4 };
  return cap1 === undefined ? undefined : { "cap1-hmac-sha512": cap1 };
}

async function readAws4(values: TargetOptionValues) {
  const awsAccessKeyId = await values.secret("aws4-hmac-sha256-aws-access-key-id");
  const region = values.text("aws4-hmac-sha256-region");
  const service = values.text("aws4-hmac-sha256-service");
  const secretAccessKey = await values.secret("aws4-hmac-sha256-secret-access-key");
  const sessionToken = await values.secret("aws4-hmac-sha256-session-token");
  if (isAllUndefined([awsAccessKeyId, region, service, secretAccessKey, sessionToken])) return undefined;
  return {
    awsAccessKeyId: requireOption(awsAccessKeyId, "aws4-hmac-sha256-aws-access-key-id", AWS4),
    region: requireOption(region, "aws4-hmac-sha256-region", AWS4),
    service: requireOption(service, "aws4-hmac-sha256-service", AWS4),
    secretAccessKey: requireOption(secretAccessKey, "aws4-hmac-sha256-secret-access-key", AWS4),
    sessionToken,
  };
}

async function readCap1(values: TargetOptionValues) {
  const key = await values.secret("cap1-hmac-sha512-key");
  const keyId = values.text("cap1-hmac-sha512-key-id");
  if (isAllUndefined([key, keyId])) return undefined;
  return {
    key: requireOption(key, "cap1-hmac-sha512-key", CAP1),
    keyId: requireOption(keyId, "cap1-hmac-sha512-key-id", CAP1),
  };
}

async function readTls(values: TargetOptionValues): Promise<TargetBody["tls"]> {
  const tls = {
    ca: await values.secret("tls-ca"),
    cert: await values.secret("tls-cert"),
    key: await values.secret("tls-key"),
    rejectUnauthorized: values.isOn("tls-reject-unauthorized"),
  };
  return isAllUndefined(tls) ? undefined : tls;
}

function requireOption(value: string | undefined, name: TargetOptionName, group: string): string {
  if (value === undefined) throw new CliError(`--${name}: expected a value; ${group.slice(0, -1)} needs one`);
  return value;
}
