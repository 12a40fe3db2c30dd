import type { TrustOptions } from "../../../trust/trust-options.ts";
import { readTrustOptions } from "../../options/read-access.ts";
import type { MembraneRef } from "../membrane-ref.ts";
import { readMembraneRef } from "../membrane-ref.ts";
import type { OptionValues } from "../../../parse/option-values.ts";
import type { RevokeOptionName } from "../specs.ts";

export interface RevokeInput {
  readonly membraneRef: MembraneRef;
  readonly trust: TrustOptions;
}

/** @throws CliError that names the invalid option. */
export async function read(values: OptionValues<RevokeOptionName>): Promise<RevokeInput> {
  return { membraneRef: await readMembraneRef(values, "revoke"), trust: readTrustOptions(values) };
}
