import type { AuthorityCapabilityUri } from "capability-protocol";
import { CliError } from "../../../errors/cli-error.ts";
import type { OutputFormat } from "../../options/shared-options.ts";
import type { TrustOptions } from "../../../trust/trust-options.ts";
import { readCapability, readTrustOptions } from "../../options/read-access.ts";
import { readOutput } from "../../options/read-output.ts";
import type { OptionValues } from "../../../parse/option-values.ts";
import type { CreateOptionName } from "../specs.ts";

export interface CreateInput {
  /** Default: the profile's. */
  readonly capability: AuthorityCapabilityUri | undefined;
  readonly trust: TrustOptions;
  readonly id: string;
  readonly output: OutputFormat;
}

/** @throws CliError that names the invalid option. */
export async function read(values: OptionValues<CreateOptionName>): Promise<CreateInput> {
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
}
