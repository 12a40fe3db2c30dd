import type { SecretReader } from "../secret.ts";
import type { OptionSpec } from "./option-spec.ts";
import type { OptionValues } from "./option-values.ts";
import { readOptionValues } from "./option-values.ts";
import type { CommandShape, ParsedArgs } from "./parse-args.ts";

/** A command as the parser, the help and completions use it. Every command has one of these. */
export interface CommandSpec<Input = unknown> extends CommandShape {
  readonly describe: string;
  /** An optional positional argument. */
  readonly operand?: { readonly name: string; readonly describe: string } | undefined;
  /** Command lines, each with a description. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /**
   * Turns option values into the input of the command, and reads the files and the standard input that they name.
   *
   * @throws CliError that names the invalid option.
   */
  read(args: ParsedArgs, secrets: SecretReader): Promise<Input>;
}

/** Defines a command whose `read` can use only the command's options: any other name is a type error. */
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
