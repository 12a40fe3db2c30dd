import type { AuthorityCapabilityUri } from "capability-protocol";
import { CliError } from "../../errors/cli-error.ts";
import type { OptionValues } from "../../parse/option-values.ts";
import { readCapability } from "../options/read-access.ts";

/** A membrane, given by one of its capabilities or by its name. */
export type MembraneRef =
  | { readonly by: "capability"; readonly uri: AuthorityCapabilityUri }
  | { readonly by: "id"; readonly id: string };

/**
 * Reads which membrane is meant. A membrane's capability is in no profile: it is given, or found by the membrane's name.
 *
 * @throws CliError unless exactly one of the two is given.
 */
export async function readMembraneRef(
  values: OptionValues<"capability" | "id">,
  right: "export" | "revoke",
): Promise<MembraneRef> {
  const uri = await readCapability(values, "capability");
  const id = values.text("id");
  if (uri === undefined && id !== undefined) return { by: "id", id };
  if (uri !== undefined && id === undefined) return { by: "capability", uri };
  if (uri !== undefined) {
    throw new CliError("--id: cannot be combined with --capability, which names the membrane");
  }
  throw new CliError(
    `--capability: expected the membrane's ${right} capability, or its name in --id`,
    [
      `capi membrane ${right} --capability URI …   with the URI that "capi membrane create" printed, or @FILE`,
      `capi membrane ${right} --id ID …            by its name, with the query capability of the profile`,
    ].join("\n"),
  );
}
