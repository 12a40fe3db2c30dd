import type { TargetBody } from "capability-sdk";
import { CliError } from "../../../errors/cli-error.ts";
import type { OptionValues } from "../../../parse/option-values.ts";
import type { OpeningOptionName } from "./target-options.ts";

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
