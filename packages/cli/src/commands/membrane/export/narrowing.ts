import { parseMethod } from "capability-protocol";
import type { LimitsBody, ExportTermsBody } from "capability-sdk";
import { CliError } from "../../../errors/cli-error.ts";
import type { LimitsFile } from "../../../errors/limits-file.ts";
import type { OptionSpec } from "../../../parse/option-spec.ts";
import type { OptionValues } from "../../../parse/option-values.ts";
import type { SecretReader } from "../../../secret.ts";
import { parseDuration } from "../../options/duration.ts";
import { readLimitsFile } from "./read-limits-file.ts";

const GROUP = "Limits of the new capability:";

export type NarrowingOptionName =
  | "expires-in"
  | "expires-at"
  | "not-before"
  | "max-uses"
  | "max-uses-every"
  | "methods"
  | "path"
  | "max-body-bytes"
  | "client-cidr"
  | "delegable"
  | "from"
  | "label";

/** Options of limits, and of the label. What has no option comes from the file of `--from`. */
export const NARROWING_OPTIONS: Readonly<Record<NarrowingOptionName, OptionSpec>> = {
  "expires-in": { takes: "text", describe: "Lifetime, such as 7d or 1h30m", group: GROUP },
  "expires-at": { takes: "text", describe: "Expiry, as in RFC 3339", group: GROUP },
  "not-before": {
    takes: "text",
    describe: "Time before which it is not valid, as in RFC 3339",
    group: GROUP,
  },
  "max-uses": { takes: "text", describe: "How many requests it admits", group: GROUP },
  "max-uses-every": {
    takes: "text",
    describe: "Admit that many in each window of this length, such as 1m",
    group: GROUP,
  },
  methods: {
    takes: "text",
    repeats: true,
    describe: "Methods of clients that it admits, such as GET,HEAD",
    group: GROUP,
  },
  path: {
    takes: "text",
    repeats: true,
    describe: "Pattern of paths below the target's that it admits: /repos/o/r/**; repeatable",
    group: GROUP,
  },
  "max-body-bytes": { takes: "text", describe: "Longest body of a request that it admits", group: GROUP },
  "client-cidr": {
    takes: "text",
    repeats: true,
    describe: "Addresses of clients that it admits, such as 10.0.0.0/8; repeatable",
    group: GROUP,
  },
  delegable: { takes: "switch", describe: "Whether it may be passed on [default: true]", group: GROUP },
  from: {
    takes: "text",
    describe: "JSON file of limits, or -; only it can limit query, headers and requests",
    group: GROUP,
  },
  label: { takes: "text", describe: "Note for people, sealed with the capability", group: GROUP },
};

const IN_FILE = "this limit goes into the file of --from";

/** Names of limits, and common names of them, that are no options. */
export const LIMITS_WITHOUT_OPTION: ReadonlyMap<string, string> = new Map([
  ["query", `${IN_FILE}; --allow-query-key allows a key`],
  ["headers", `${IN_FILE}; --header is sent to the target`],
  ["requests", IN_FILE],
  ["limits", "each limit is an option, or in the file of --from"],
  ["ttl", "the lifetime is --expires-in"],
  ["ttlms", "the lifetime is --expires-in"],
]);

type Values = OptionValues<NarrowingOptionName>;

/** What an export asks for, and where it is from. */
export interface NarrowingOptions {
  readonly body: ExportTermsBody;
  /** Absent without `--from`. */
  readonly limitsFile: LimitsFile | undefined;
}

/** Two spellings of one limit, of which an export has one. */
const ENDS: readonly string[] = ["expiresAt", "ttlMs"];

/**
 * Builds the limits and the label of an export. An option replaces the same limit of the file. The protocol checks the fields;
 * here only errors are checked that options alone can have.
 *
 * @throws CliError that names the option.
 */
export async function readNarrowing(values: Values, secrets: SecretReader): Promise<NarrowingOptions> {
  checkConflicts(values);
  // The other options that name a file have it after @.
  const name = values.text("from")?.replace(/^@/, "");
  const given = withoutAbsent(readLimitOptions(values));
  const replaced = new Set(Object.keys(given));
  if (ENDS.some((name) => replaced.has(name))) ENDS.forEach((name) => replaced.add(name));
  const inFile = omit(name === undefined ? {} : await readLimitsFile(name, secrets), replaced);
  const limits: LimitsBody = { ...inFile, ...given };
  if (values.given.has("max-uses-every") && limits.maxUses === undefined)
    throw new CliError(
      "--max-uses-every: expected --max-uses with it, the number of requests in each window",
    );
  const label = values.text("label");
  return {
    body: {
      ...(Object.keys(limits).length > 0 && { limits }),
      ...(label !== undefined && { label }),
    },
    limitsFile: name === undefined ? undefined : { name, fields: new Set(Object.keys(inFile)) },
  };
}

function checkConflicts({ given }: Values): void {
  if (given.has("expires-in") && given.has("expires-at"))
    throw new CliError("--expires-in: cannot be combined with --expires-at, which says the same end");
}

function readLimitOptions(values: Values): LimitsBody {
  return {
    ttlMs: readDuration(values, "expires-in"),
    expiresAt: values.text("expires-at"),
    notBefore: values.text("not-before"),
    maxUses: readCount(values, "max-uses"),
    maxUsesEveryMs: readDuration(values, "max-uses-every"),
    methods: values
      .texts("methods")
      ?.flatMap((list) => list.split(","))
      .map(readMethod),
    paths: values.texts("path"),
    maxBodyBytes: readCount(values, "max-body-bytes"),
    clientCidrs: values.texts("client-cidr"),
    delegable: values.isOn("delegable") === false ? false : undefined,
  };
}

/** @throws CliError that names the usual methods, since one that is misspelt looks like another method. */
function readMethod(text: string): string {
  const method = parseMethod(text.trim());
  if (method !== undefined) return method;
  throw new CliError("--methods: expected HTTP methods, such as GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS");
}

function readDuration(values: Values, name: "expires-in" | "max-uses-every"): number | undefined {
  const text = values.text(name);
  return text === undefined ? undefined : parseDuration(`--${name}`, text);
}

function readCount(values: Values, name: "max-uses" | "max-body-bytes"): number | undefined {
  const text = values.text(name);
  if (text === undefined) return undefined;
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new CliError(`--${name}: expected a whole number of ${name === "max-uses" ? "uses" : "bytes"}`);
}

function omit(members: object, names: ReadonlySet<string>): object {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.has(name)));
}

/** The members that are given: one that is `undefined` would hide the same limit of the file. */
function withoutAbsent(members: LimitsBody): LimitsBody {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
