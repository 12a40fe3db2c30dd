import type { OutputFormat } from "../../output.ts";
import { OUTPUT_FORMATS } from "../../output.ts";
import type { OptionValues } from "../../parse/option-values.ts";
import type { OptionSpec } from "../../parse/option-spec.ts";

export const OUTPUT_OPTION: OptionSpec = {
  takes: "text",
  choices: OUTPUT_FORMATS,
  describe: "Output format: JSON, bare URIs, or shell variables for eval [default: json]",
};

export function readOutput(values: OptionValues<"output">): OutputFormat {
  return OUTPUT_FORMATS.find((format) => format === values.text("output")) ?? "json";
}
