import { parseMethod } from "capability-protocol/http-syntax";
import type { LimitsBody, ExportTermsBody } from "capability-sdk";
import { CliError } from "../../../errors/cli-error.ts";
import type { LimitsFile } from "../../../errors/limits-file.ts";
import type { OptionValues } from "../../../parse/option-values.ts";
import type { SecretReader } from "../../../secret.ts";
import { parseDuration } from "../../options/duration.ts";
import { readLimitsFile } from "./read-limits-file.ts";
import type { NarrowingOptionName } from "./narrowing-options.ts";

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
