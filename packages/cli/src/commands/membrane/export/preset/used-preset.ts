import type { LimitsBody, ExportTermsBody, TargetBody } from "capability-sdk";
import { CliError } from "../../../../errors/cli-error.ts";
import type { OptionValues } from "../../../../parse/option-values.ts";
import type { TargetOptionName } from "../target-options.ts";
import type { FilledByPreset } from "./apply-preset.ts";
import { applyPreset } from "./apply-preset.ts";
import type { Preset } from "./preset.ts";
import type { PresetOptionName } from "./preset-options.ts";
import { PRESETS } from "./presets.ts";

/** A preset, and what it filled in. */
export interface UsedPreset {
  readonly preset: Preset;
  readonly filled: FilledByPreset;
  /** AWS's region of the target; empty if its requests are not signed for one. */
  readonly region: string;
}

/**
 * @param limits those of the command line and of the file.
 * @throws CliError that names the option.
 */
export function readPreset(
  values: OptionValues<PresetOptionName | TargetOptionName>,
  limits: LimitsBody = {},
): UsedPreset | undefined {
  const preset = PRESETS.get(values.text("preset") ?? "");
  const only = values.texts("only");
  if (preset === undefined) {
    if (only === undefined) return undefined;
    throw new CliError("--only: expected --preset with it, which decides what it means");
  }
  const filled = applyPreset(preset, { values: (name) => values.texts(name), only: only ?? [], limits });
  if (!filled.ok) throw new CliError(`${filled.error.option}: expected ${filled.error.expected}`);
  return { preset, filled: filled.value, region: values.text("aws4-hmac-sha256-region") ?? "" };
}

/** Adds the limits of a preset to those that were given. */
export function fillLimits(given: ExportTermsBody, preset: UsedPreset | undefined): ExportTermsBody {
  const limits = { ...preset?.filled.limits, ...given.limits };
  return Object.keys(limits).length === 0 ? given : { ...given, limits };
}

/**
 * Refuses a target without the credential that its API asks for. A server that `--uri` names may ask for none.
 *
 * @throws CliError that names the option.
 */
export function requireCredential({ preset, filled }: UsedPreset, { headers = {} }: TargetBody): void {
  const { credential } = preset;
  const isKnownApi = filled.options.some(([name]) => name === "uri");
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  if (credential === undefined || !isKnownApi || credential.names.some((name) => names.has(name))) return;
  throw new CliError(
    `--header: expected the key that the target gets, as in "${credential.line}"`,
    "Write the line into a file and give --header @FILE, which keeps the key out of the list of processes.",
  );
}
