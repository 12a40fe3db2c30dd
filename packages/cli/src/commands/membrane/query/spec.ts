import type { AuthorityCapabilityUri } from "capability-protocol";
import { CliError } from "../../../errors/cli-error.ts";
import type { OutputFormat } from "../../../output.ts";
import type { CommandSpec } from "../../../parse/command-spec.ts";
import { defineCommand } from "../../../parse/command-spec.ts";
import type { TrustOptions } from "../../../trust/trust-options.ts";
import { ACCESS_OPTIONS, readCapability, readTrustOptions } from "../../options/access.ts";
import { OUTPUT_OPTION, readOutput } from "../../options/output-format.ts";

export interface QueryInput {
  /** Default: the profile's. */
  readonly capability: AuthorityCapabilityUri | undefined;
  readonly trust: TrustOptions;
  readonly query: {
    readonly id: string | undefined;
    readonly lastId: string | undefined;
    readonly limit: number | undefined;
  };
  readonly output: OutputFormat;
}

export const QUERY_SPEC: CommandSpec<QueryInput> = defineCommand({
  name: "membrane query",
  describe: "List membranes with their capabilities, in the order of their names",
  options: {
    id: { takes: "text", describe: "Only the membrane with this name" },
    "last-id": { takes: "text", describe: "Begin after this name, the last one of the previous list" },
    limit: { takes: "text", describe: "Most membranes to list, 1 to 1000 [default: 1]" },
    output: OUTPUT_OPTION,
    ...ACCESS_OPTIONS,
  },
  examples: [
    ["capi membrane query --limit 1000", "The first thousand"],
    ["capi membrane query --id my-membrane", "The capabilities of one"],
  ],
  async read(values) {
    return {
      query: {
        id: values.text("id"),
        lastId: values.text("last-id"),
        limit: readLimit(values.text("limit")),
      },
      capability: await readCapability(values, "capability"),
      trust: readTrustOptions(values),
      output: readOutput(values),
    };
  },
});

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,15}$/.test(text) || Number(text) < 1) {
    throw new CliError("--limit: expected a whole number of at least 1");
  }
  return Number(text);
}
