import type { LimitsBody, TargetBody } from "capability-sdk";
import { shellWord } from "../../../../shell.ts";
import { TARGET_OPTIONS } from "../target-options.ts";
import { describeAccess } from "./describe-access.ts";
import type { FilledOption } from "./preset.ts";
import type { UsedPreset } from "./used-preset.ts";

/** Says what a preset filled in, as the options that would have had the same effect. */
export function formatFilled({ preset, filled }: UsedPreset, target: TargetBody): readonly string[] {
  const filledIn = [...filled.options.map(formatOption), ...formatLimits(filled.limits)];
  const note = filled.isNarrowed ? preset.only?.note : undefined;
  return [
    `--preset ${preset.name}: ${preset.target}: ${filled.isAccessOwn ? preset.access : describeAccess(target)}.`,
    filledIn.length === 0 ? "All that it fills in was given." : "It filled in:",
    ...filledIn.map((line) => `  ${line}`),
    ...(note === undefined ? [] : [note]),
  ];
}

function formatOption([name, value]: FilledOption): string {
  return TARGET_OPTIONS[name].takes === "switch" && value === "true"
    ? `--${name}`
    : `--${name} ${shellWord(value)}`;
}

/** Limits without an option are shown as the file of `--from` that has them. */
function formatLimits({ methods, paths, ...others }: LimitsBody): readonly string[] {
  return [
    ...(methods === undefined ? [] : [`--methods ${methods.join(",")}`]),
    ...(paths ?? []).map((path) => `--path ${shellWord(path)}`),
    ...(Object.keys(others).length === 0 ? [] : [`--from FILE with ${JSON.stringify(others)}`]),
  ];
}
