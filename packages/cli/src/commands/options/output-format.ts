import type { OptionValues } from "../../parse/option-values.ts";
import type { OptionSpec } from "../../parse/option-spec.ts";

/** The formats in which a response can be printed. */
export const OUTPUT_FORMATS = ["json", "uri", "env"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export const OUTPUT_OPTION: OptionSpec = {
  takes: "text",
  choices: OUTPUT_FORMATS,
  describe: "Output format: JSON, bare URIs, or shell variables for eval [default: json]",
};

export function readOutput(values: OptionValues<"output">): OutputFormat {
  return OUTPUT_FORMATS.find((format) => format === values.text("output")) ?? "json";
}
