import { Failure } from "../failure.ts";

/**
 * A membrane's own capability is in no profile: it is given, or found by the membrane's name.
 *
 * @throws Failure unless exactly one of the two is there.
 */
export function requireOneWay(
  right: "export" | "revoke",
  capability: string | undefined,
  id: string | undefined,
): void {
  if (capability !== undefined && id !== undefined) {
    throw new Failure("--id: expected without --capability, which says the membrane already");
  }
  if (capability === undefined && id === undefined) {
    throw new Failure(
      `--capability: expected the membrane's ${right} capability, or its name in --id`,
      [
        `capi membrane ${right} --capability URI …   with what "capi membrane create" printed, or @FILE`,
        `capi membrane ${right} --id ID …            by its name, with the query capability of the profile`,
      ].join("\n"),
    );
  }
}
