import type { OptionValues } from "../../parse/option-values.ts";
import type { OutputFormat } from "./shared-options.ts";
import { OUTPUT_FORMATS } from "./shared-options.ts";

export function readOutput(values: OptionValues<"output">): OutputFormat {
  return OUTPUT_FORMATS.find((format) => format === values.text("output")) ?? "json";
}
