import { formatCapabilityUri } from "capability-protocol";
import type { AuthorityCapabilityUri } from "capability-protocol";
import type { ExportBody, TargetBody } from "capability-sdk";
import { CliError } from "../../../errors/cli-error.ts";
import type { OutputFormat } from "../../../output.ts";
import type { CommandSpec } from "../../../parse/command-spec.ts";
import { defineCommand } from "../../../parse/command-spec.ts";
import type { TrustOptions } from "../../../trust/trust-options.ts";
import { ACCESS_OPTIONS, readCapability, readTrustOptions } from "../../options/access.ts";
import { OUTPUT_OPTION, readOutput } from "../../options/output-format.ts";
import type { MembraneRef } from "../membrane-ref.ts";
import { readMembraneRef } from "../membrane-ref.ts";
import { NARROWING_OPTIONS, readNarrowing } from "./narrowing.ts";
import { TARGET_OPTIONS, readTarget } from "./target.ts";

export interface ExportInput {
  readonly membraneRef: MembraneRef;
  readonly trust: TrustOptions;
  readonly body: ExportBody;
  readonly output: OutputFormat;
}

export const EXPORT_SPEC: CommandSpec<ExportInput> = defineCommand({
  name: "membrane export",
  describe: "Make a capability: for a target, or from a capability you hold",
  options: {
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
  ],
  async read(values, secrets) {
    const membraneRef = await readMembraneRef(values, "export");
    const capability = await readCapability(values, "capability-to-export");
    const exported = chooseBody(capability, await readTarget(values));
    const body = { ...exported, ...(await readNarrowing(values, secrets)) };
    return {
      membraneRef,
      trust: readTrustOptions(values),
      body,
      output: readOutput(values),
    };
  },
});

function chooseBody(
  capability: AuthorityCapabilityUri | undefined,
  target: TargetBody | undefined,
): ExportBody {
  if (capability !== undefined && target === undefined)
    return { capability: formatCapabilityUri(capability) };
  if (capability === undefined && target !== undefined) return target;
  throw capability === undefined
    ? new CliError("--uri: expected the target's URI, or --capability-to-export with a capability you hold")
    : new CliError("--capability-to-export: cannot be combined with --uri and its options");
}
