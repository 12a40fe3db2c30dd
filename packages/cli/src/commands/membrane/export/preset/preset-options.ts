import type { OptionSpec } from "../../../../parse/option-spec.ts";

/** Every preset, in the order of the help. */
export const PRESET_NAMES = [
  "openai",
  "anthropic",
  "github",
  "s3",
  "lambda",
  "dynamodb",
  "mcp",
  "any-http",
] as const;

export type PresetName = (typeof PRESET_NAMES)[number];

const GROUP = "Preset for a kind of client:";

export type PresetOptionName = "preset" | "only";

/** Options that fill in others. */
export const PRESET_OPTIONS: Readonly<Record<PresetOptionName, OptionSpec>> = {
  preset: {
    takes: "text",
    choices: PRESET_NAMES,
    describe: "Fill in the target, what clients may vary, and limits, unless they are given",
    group: GROUP,
  },
  only: {
    takes: "text",
    repeats: true,
    describe: "The one repository, S3 prefix, function, action or tool; repeatable",
    group: GROUP,
  },
};
