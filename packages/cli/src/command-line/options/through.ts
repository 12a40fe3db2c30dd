import { Failure } from "../../failure/failure.ts";
import type { Through } from "../command.ts";
import type { Given } from "../given.ts";
import { readCapability } from "./access.ts";

/**
 * A membrane's own capability is in no profile: it is given, or found by the membrane's name.
 *
 * @throws Failure unless exactly one of the two is there.
 */
export async function readThrough(
  given: Given<"capability" | "id">,
  right: "export" | "revoke",
): Promise<Through> {
  const uri = await readCapability(given, "capability");
  const id = given.text("id");
  if (uri === undefined && id !== undefined) return { by: "id", id };
  if (uri !== undefined && id === undefined) return { by: "capability", uri };
  if (uri !== undefined) {
    throw new Failure("--id: expected without --capability, which says the membrane already");
  }
  throw new Failure(
    `--capability: expected the membrane's ${right} capability, or its name in --id`,
    [
      `capi membrane ${right} --capability URI …   with what "capi membrane create" printed, or @FILE`,
      `capi membrane ${right} --id ID …            by its name, with the query capability of the profile`,
    ].join("\n"),
  );
}
