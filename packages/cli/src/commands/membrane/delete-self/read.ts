import type { AuthorityCapabilityUri } from "capability-protocol";
import type { TrustOptions } from "../../../trust/trust-options.ts";
import { readCapability, readTrustOptions } from "../../options/read-access.ts";
import type { OptionValues } from "../../../parse/option-values.ts";
import type { DeleteSelfOptionName } from "../specs.ts";

export interface DeleteSelfInput {
  /** Default: the profile's. */
  readonly capability: AuthorityCapabilityUri | undefined;
  readonly trust: TrustOptions;
}

/** @throws CliError that names the invalid option. */
export async function read(values: OptionValues<DeleteSelfOptionName>): Promise<DeleteSelfInput> {
  return { capability: await readCapability(values, "capability"), trust: readTrustOptions(values) };
}
