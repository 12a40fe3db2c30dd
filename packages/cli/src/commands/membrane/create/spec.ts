import type { AuthorityCapabilityUri } from "capability-protocol";
import { CliError } from "../../../errors/cli-error.ts";
import type { OutputFormat } from "../../../output.ts";
import type { CommandSpec } from "../../../parse/command-spec.ts";
import { defineCommand } from "../../../parse/command-spec.ts";
import type { TrustOptions } from "../../../trust/trust-options.ts";
import { ACCESS_OPTIONS, readCapability, readTrustOptions } from "../../options/access.ts";
import { OUTPUT_OPTION, readOutput } from "../../options/output-format.ts";

export interface CreateInput {
  /** Default: the profile's. */
  readonly capability: AuthorityCapabilityUri | undefined;
  readonly trust: TrustOptions;
  readonly id: string;
  readonly output: OutputFormat;
}

export const CREATE_SPEC: CommandSpec<CreateInput> = defineCommand({
  name: "membrane create",
  describe: "Create a membrane and print its export and revoke capabilities",
  options: {
    id: { takes: "text", describe: "The membrane's name, required" },
    output: OUTPUT_OPTION,
    ...ACCESS_OPTIONS,
  },
  examples: [
    ["capi membrane create --id my-membrane", "With the create capability of the profile"],
    ["capi membrane create --id my-membrane --capability @create.txt", "With a capability in a file"],
    [
      'made=$(capi membrane create --id my-membrane --output env) && eval "$made"',
      "Into $EXPORT_URI, $REVOKE_URI, …",
    ],
  ],
  async read(values) {
    const id = values.text("id");
    if (id === undefined) {
      throw new CliError("--id: expected the membrane's name, as in --id my-membrane");
    }
    return {
      capability: await readCapability(values, "capability"),
      trust: readTrustOptions(values),
      id,
      output: readOutput(values),
    };
  },
});
