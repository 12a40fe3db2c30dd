import type { AuthorityCapabilityUri } from "capability-protocol";
import { CliError } from "../../../errors/cli-error.ts";
import type { OutputFormat } from "../../options/shared-options.ts";
import type { TrustOptions } from "../../../trust/trust-options.ts";
import { readCapability, readTrustOptions } from "../../options/read-access.ts";
import { readOutput } from "../../options/read-output.ts";
import type { OptionValues } from "../../../parse/option-values.ts";
import type { QueryOptionName } from "../specs.ts";

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

/** @throws CliError that names the invalid option. */
export async function read(values: OptionValues<QueryOptionName>): Promise<QueryInput> {
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
}

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,15}$/.test(text) || Number(text) < 1) {
    throw new CliError("--limit: expected a whole number of at least 1");
  }
  return Number(text);
}
