import type { TargetBody } from "capability-sdk";
import { CliError } from "../../../errors/cli-error.ts";
import type { OptionSpec } from "../../../parse/option-spec.ts";
import type { OptionValues } from "../../../parse/option-values.ts";

const GROUP = "What clients of the target may vary:";

export type OpeningOptionName =
  | "allow-path"
  | "allow-query"
  | "allow-query-key"
  | "allow-header"
  | "encoded-slash"
  | "empty-segments";

/** Options of what a target opens, by the fields of the export body that they fill. */
export const OPENING_OPTIONS: Readonly<Record<OpeningOptionName, OptionSpec>> = {
  "allow-path": {
    takes: "switch",
    describe: "Whether clients may add a path [default: false]",
    group: GROUP,
  },
  "allow-query": {
    takes: "switch",
    describe: "Whether clients may add a query [default: false]",
    insteadOfValue: "--allow-query-key NAME allows one key",
    group: GROUP,
  },
  "allow-query-key": {
    takes: "text",
    repeats: true,
    describe: "Query key that they may add, repeatable; others are refused",
    group: GROUP,
  },
  "allow-header": {
    takes: "text",
    repeats: true,
    describe: "Header that passes, although it does not by default; repeatable",
    group: GROUP,
  },
  "encoded-slash": {
    takes: "switch",
    describe: "Whether the path may have %2F [default: false]",
    group: GROUP,
  },
  "empty-segments": {
    takes: "switch",
    describe: "Whether the path may have // [default: false]",
    group: GROUP,
  },
};

type Openings = Pick<
  TargetBody,
  "allowPath" | "allowQuery" | "allowHeaders" | "encodedSlash" | "emptySegments"
>;

/** @throws CliError that names the option. */
export function readOpenings(values: OptionValues<OpeningOptionName>): Openings {
  const needsPath = (["encoded-slash", "empty-segments"] as const).find((name) => values.isOn(name) === true);
  if (needsPath !== undefined && values.isOn("allow-path") !== true)
    throw new CliError(
      `--${needsPath}: expected --allow-path with it, since clients can add no path without`,
    );
  return {
    allowPath: values.isOn("allow-path"),
    allowQuery: readAllowQuery(values),
    allowHeaders: values.texts("allow-header"),
    encodedSlash: values.isOn("encoded-slash"),
    emptySegments: values.isOn("empty-segments"),
  };
}

function readAllowQuery(values: OptionValues<OpeningOptionName>): TargetBody["allowQuery"] {
  const keys = values.texts("allow-query-key");
  const isAllowed = values.isOn("allow-query");
  if (keys !== undefined && isAllowed !== undefined)
    throw new CliError("--allow-query-key: cannot be combined with --allow-query, which is for all keys");
  return keys ?? isAllowed;
}
