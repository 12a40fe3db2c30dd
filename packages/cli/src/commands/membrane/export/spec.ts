import { formatCapabilityUri } from "capability-protocol";
import type { AuthorityCapabilityUri } from "capability-protocol";
import type { ExportBody, ReexportBody, TargetBody } from "capability-sdk";
import { CliError } from "../../../errors/cli-error.ts";
import { withDefaults } from "../../../parse/option-values.ts";
import type { OutputFormat } from "../../../output.ts";
import type { CommandSpec } from "../../../parse/command-spec.ts";
import { defineCommand } from "../../../parse/command-spec.ts";
import type { TrustOptions } from "../../../trust/trust-options.ts";
import { ACCESS_OPTIONS, readCapability, readTrustOptions } from "../../options/access.ts";
import { OUTPUT_OPTION, readOutput } from "../../options/output-format.ts";
import type { LimitsFile } from "../../../errors/limits-file.ts";
import type { OptionValues } from "../../../parse/option-values.ts";
import type { MembraneRef } from "../membrane-ref.ts";
import { readMembraneRef } from "../membrane-ref.ts";
import { LIMITS_WITHOUT_OPTION, NARROWING_OPTIONS, readNarrowing } from "./narrowing.ts";
import type { UsedPreset } from "./preset/used-preset.ts";
import { PRESET_OPTIONS, fillLimits, readPreset, requireCredential } from "./preset/used-preset.ts";
import type { TargetOptionName } from "./target.ts";
import { TARGET_OPTIONS, findTargetOption, readTarget } from "./target.ts";

export interface ExportInput {
  readonly membraneRef: MembraneRef;
  readonly trust: TrustOptions;
  readonly body: ExportBody;
  /** Where limits of the body are from; absent without `--from`. */
  readonly limitsFile: LimitsFile | undefined;
  readonly output: OutputFormat;
  readonly preset: UsedPreset | undefined;
}

export const EXPORT_SPEC: CommandSpec<ExportInput> = defineCommand({
  name: "membrane export",
  describe: "Make a capability: for a target, or from a capability you hold",
  options: {
    ...PRESET_OPTIONS,
    ...TARGET_OPTIONS,
    "capability-to-export": {
      takes: "secret",
      describe: "Capability URI to pass on in place of a target, @FILE or @-",
    },
    ...NARROWING_OPTIONS,
    id: { takes: "text", describe: "The membrane's name, in place of its export capability" },
    output: OUTPUT_OPTION,
    ...ACCESS_OPTIONS,
  },
  replacements: LIMITS_WITHOUT_OPTION,
  examples: [
    ["capi membrane export --id reports --uri https://api.example/v1/report", "A target"],
    [
      "capi membrane export --id reports --uri https://api.example/ --header @key",
      'With a header from a file: "X-Api-Key: …"',
    ],
    [
      "capi membrane export --id for-bob --capability-to-export @report.txt",
      "A capability to pass on that can be revoked separately",
    ],
    [
      "capi membrane export --id for-bob --capability-to-export @report.txt --expires-in 7d --max-uses 100",
      "The same for a week, and for 100 requests",
    ],
    [
      "capi membrane export --id github --uri https://api.github.com/ --header @key --allow-path --methods GET --path '/repos/o/r/**'",
      "Reading one repository",
    ],
    [
      "capi membrane export --id github --preset github --only o/r --header @key",
      "The same, and what to give to the client",
    ],
    [
      "capi membrane export --id s3 --preset s3 --only my-bucket/reports --aws4-hmac-sha256-region us-east-1 --aws4-hmac-sha256-aws-access-key-id @id --aws4-hmac-sha256-secret-access-key @secret",
      "Reading what begins with reports/ in a bucket",
    ],
    [
      "capi membrane export --id db --preset dynamodb --only GetItem Query --aws4-hmac-sha256-region us-east-1 --aws4-hmac-sha256-aws-access-key-id @id --aws4-hmac-sha256-secret-access-key @secret",
      "Two actions of DynamoDB; without --only GetItem alone",
    ],
    [
      "capi membrane export --id tools --preset mcp --only search --uri https://mcp.example/mcp --header @key",
      "One tool of an MCP server; lambda takes --only FUNCTION",
    ],
  ],
  async read(values, secrets) {
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
  },
});

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
