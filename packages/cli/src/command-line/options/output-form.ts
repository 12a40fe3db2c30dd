import type { OutputForm } from "../../output.ts";
import { OUTPUT_FORMS } from "../../output.ts";
import type { Given } from "../given.ts";
import type { Option } from "../option.ts";

export const OUTPUT_OPTION: Option = {
  takes: "text",
  choices: OUTPUT_FORMS,
  describe: "Form of the answer: JSON, bare URIs, or shell variables for eval [default: json]",
};

export function readOutput(given: Given<"output">): OutputForm {
  return OUTPUT_FORMS.find((form) => form === given.text("output")) ?? "json";
}
