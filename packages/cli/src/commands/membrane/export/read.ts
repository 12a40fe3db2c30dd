import { formatCapabilityUri } from "capability-protocol/uri";
import type { AuthorityCapabilityUri } from "capability-protocol";
import type { ExportBody, ReexportBody, TargetBody } from "capability-sdk";
import { CliError } from "../../../errors/cli-error.ts";
import { withDefaults } from "../../../parse/option-values.ts";
import type { OutputFormat } from "../../options/shared-options.ts";
import type { TrustOptions } from "../../../trust/trust-options.ts";
import { readCapability, readTrustOptions } from "../../options/read-access.ts";
import { readOutput } from "../../options/read-output.ts";
import type { LimitsFile } from "../../../errors/limits-file.ts";
import type { OptionValues } from "../../../parse/option-values.ts";
import type { MembraneRef } from "../membrane-ref.ts";
import { readMembraneRef } from "../membrane-ref.ts";
import { readNarrowing } from "./narrowing.ts";
import type { UsedPreset } from "./preset/used-preset.ts";
import { PRESET_OPTIONS } from "./preset/preset-options.ts";
import { fillLimits, readPreset, requireCredential } from "./preset/used-preset.ts";
import type { TargetOptionName } from "./target-options.ts";
import { findTargetOption, readTarget } from "./target.ts";
import type { SecretReader } from "../../../secret.ts";
import type { ExportOptionName } from "./spec.ts";

export interface ExportInput {
  readonly membraneRef: MembraneRef;
  readonly trust: TrustOptions;
  readonly body: ExportBody;
  /** Where limits of the body are from; absent without `--from`. */
  readonly limitsFile: LimitsFile | undefined;
  readonly output: OutputFormat;
  readonly preset: UsedPreset | undefined;
}

/** @throws CliError that names the invalid option. */
export async function read(
  values: OptionValues<ExportOptionName>,
  secrets: SecretReader,
): Promise<ExportInput> {
  const membraneRef = await readMembraneRef(values, "export");
  const capability = await readCapability(values, "capability-to-export");
  const { body: terms, limitsFile } = await readNarrowing(values, secrets);
  const preset = capability === undefined ? readPreset(values, terms.limits) : undefined;
  const exported =
    capability === undefined ? await requireTarget(values, preset) : readReexport(capability, values);
  return {
    membraneRef,
    trust: readTrustOptions(values),
    body: { ...exported, ...fillLimits(terms, preset) },
    limitsFile,
    output: readOutput(values),
    preset,
  };
}

async function requireTarget(
  values: OptionValues<TargetOptionName>,
  preset: UsedPreset | undefined,
): Promise<TargetBody> {
  const target = await readTarget(
    preset === undefined ? values : withDefaults(values, preset.filled.options),
  );
  if (target !== undefined && preset !== undefined) requireCredential(preset, target);
  if (target !== undefined) return target;
  throw new CliError(
    "--uri: expected the target's URI, or --capability-to-export with a capability you hold",
  );
}

/** A re-export has the target of its capability, which it cannot change. */
function readReexport(
  capability: AuthorityCapabilityUri,
  values: OptionValues<TargetOptionName>,
): ReexportBody {
  const option =
    Object.keys(PRESET_OPTIONS).find((name) => values.given.has(name)) ?? findTargetOption(values);
  if (option === undefined) return { capability: formatCapabilityUri(capability) };
  throw new CliError(
    `--${option}: cannot be combined with --capability-to-export: a capability is passed on as it is, or with limits`,
  );
}
