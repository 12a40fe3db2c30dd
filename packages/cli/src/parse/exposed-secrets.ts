import type { CommandSpec } from "./command-spec.ts";
import type { ParsedArgs } from "./parse-args.ts";

/**
 * Finds what holds a secret on the command line itself, where every user of the machine can read it.
 *
 * @returns names for messages, none of them twice.
 */
export function findExposedSecrets(
  { options, operand }: Pick<CommandSpec, "options" | "operand">,
  { values, operands }: ParsedArgs,
): readonly string[] {
  const isExposed = (value: string): boolean => value !== "" && !value.startsWith("@");
  const exposed = Object.entries(options).flatMap(([name, { takes, isPublic }]) => {
    const given = takes === "secret" ? (values.get(name) ?? []) : [];
    return given.some((value) => isExposed(value) && isPublic?.(value) !== true) ? [`--${name}`] : [];
  });
  return operand !== undefined && operands.some(isExposed) ? [operand.name, ...exposed] : exposed;
}
