import type { AuthorityCapabilityUri, PathRule } from "capability-protocol";
import { canonicalizePath } from "capability-protocol/path";
import { isFieldValue, parseMethod } from "capability-protocol/http-syntax";
import { CliError } from "../../errors/cli-error.ts";
import type { SecretReader } from "../../secret.ts";
import type { TrustOptions } from "../../trust/trust-options.ts";
import { readCapability, readTrustOptions, requireResolvable } from "../options/read-access.ts";
import type { HeaderLine } from "../options/header-line.ts";
import { readHeaderLines } from "../options/header-line.ts";
import type { OptionValues } from "../../parse/option-values.ts";
import type { RequestOptionName } from "./spec.ts";

/** The body of a request, before it is opened. */
export type RequestData =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "input" };

export interface RequestInput {
  readonly capability: AuthorityCapabilityUri;
  readonly trust: TrustOptions;
  readonly method: string;
  readonly headers: readonly HeaderLine[];
  readonly data: RequestData | undefined;
  /** Path below the target's, in canonical form; `/` is the target's own. */
  readonly path: string;
  /** The query without its `?`, percent-encoded. */
  readonly query: string | undefined;
  /** Path of the file for the body. Default: standard output. */
  readonly file: string | undefined;
  /** Whether the status line and the headers are written before the body. */
  readonly isHeadShown: boolean;
  /** Whether control characters reach a terminal unescaped. */
  readonly isRaw: boolean;
}

/** @throws CliError that names the invalid option. */
export async function read(
  values: OptionValues<RequestOptionName>,
  secrets: SecretReader,
  operand: string | undefined,
): Promise<RequestInput> {
  const option = await readCapability(values, "capability");
  const capability = await chooseCapability(option, operand, secrets);
  const data = readData(values.text("data"), secrets);
  const headers = readHeaderLines(await values.secrets("header"));
  headers.forEach(requireValidHeader);
  return {
    capability,
    trust: readTrustOptions(values),
    method: readMethod(values.text("method")) ?? (data === undefined ? "GET" : "POST"),
    headers,
    data,
    path: readPath(values.text("path")),
    query: readQuery(values.text("query")),
    file: values.text("output"),
    isHeadShown: values.isOn("include") ?? false,
    isRaw: values.isOn("raw") ?? false,
  };
}

async function chooseCapability(
  option: AuthorityCapabilityUri | undefined,
  operand: string | undefined,
  secrets: SecretReader,
): Promise<AuthorityCapabilityUri> {
  if (option !== undefined && operand !== undefined) {
    throw new CliError("--capability: cannot be combined with URI, which means the same");
  }
  if (option !== undefined) return option;
  if (operand === undefined) {
    throw new CliError("URI: expected the capability to invoke", "capi request URI, or capi request @FILE");
  }
  return requireResolvable("URI", await secrets.read("URI", operand));
}

function readMethod(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (text.includes(",")) throw new CliError("--method: expected one method, such as GET");
  const method = parseMethod(text);
  if (method === undefined)
    throw new CliError("--method: expected an HTTP method other than CONNECT and TRACE");
  return method;
}

/** Reads which body to send; the body itself is read while it is sent. */
function readData(value: string | undefined, secrets: SecretReader): RequestData | undefined {
  if (value === undefined) return undefined;
  if (!value.startsWith("@")) return { kind: "text", text: value };
  if (value !== "@-") return { kind: "file", path: value.slice(1) };
  secrets.claimStdin("--data");
  return { kind: "input" };
}

function requireValidHeader([name, value]: HeaderLine): void {
  if (name.toLowerCase() === "authorization") {
    throw new CliError("--header Authorization: expected none, since the capability is sent in it");
  }
  if (!isFieldValue(value)) {
    throw new CliError(`--header ${name}: expected characters up to U+00FF without control characters`);
  }
}

/** The service knows what the target allows; what two servers may read as two paths is allowed by none. */
const ANY_OPENINGS = { encodedSlash: true, emptySegments: true };

const PATH_HINTS: ReadonlyMap<PathRule, string> = new Map([
  ["form", "It is the part after the authority in the URL of a client: --path /reports/1."],
  ["character", "A space is %20 and a question mark in a path %3F. A query goes into --query."],
  ["percent", "A percent sign of the path itself is %25."],
]);

function readPath(text: string | undefined): string {
  const path = canonicalizePath(text ?? "/", ANY_OPENINGS);
  if (path.ok) return path.value;
  const { rule, expected } = path.error;
  throw new CliError(`--path: expected ${expected}`, PATH_HINTS.get(rule));
}

function readQuery(value: string | undefined): string | undefined {
  const query = value?.replace(/^\?/, "");
  if (query === undefined || /^[!"$-~]*$/.test(query)) return query;
  throw new CliError('--query: expected a percent-encoded query: "a=b&c=two%20words"');
}
