import type { SecretReader } from "../secret.ts";
import type { OptionSpec } from "./option-spec.ts";
import type { OptionValues } from "./option-values.ts";
import { readOptionValues } from "./option-values.ts";
import type { CommandShape, ParsedArgs } from "./parse-args.ts";

/** A command as the parser, the help and completions see it: adding a command adds one of these. */
export interface CommandSpec<Input = unknown> extends CommandShape {
  readonly describe: string;
  /** An optional argument that belongs to no option. */
  readonly operand?: { readonly name: string; readonly describe: string } | undefined;
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /**
   * Turns option values into the input of the command, reading the files and the standard input that they name.
   *
   * @throws CliError that names the option at fault.
   */
  read(args: ParsedArgs, secrets: SecretReader): Promise<Input>;
}

/** A command whose `read` can ask for the command's own options only: another name is a type error. */
export function defineCommand<Name extends string, Input>(
  spec: Omit<CommandSpec<Input>, "options" | "read"> & {
    readonly options: Readonly<Record<Name, OptionSpec>>;
    readonly read: (
      values: OptionValues<Name>,
      secrets: SecretReader,
      operand: string | undefined,
    ) => Input | Promise<Input>;
  },
): CommandSpec<Input> {
  return {
    ...spec,
    async read({ values, operands }, secrets) {
      return spec.read(readOptionValues<Name>(values, secrets), secrets, operands[0]);
    },
  };
}
