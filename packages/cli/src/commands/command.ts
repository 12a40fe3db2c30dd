import type { Io } from "../io.ts";
import type { CommandSpec } from "../parse/command-spec.ts";
import type { OptionValues } from "../parse/option-values.ts";
import type { ParsedArgs } from "../parse/parse-args.ts";
import type { SecretReader } from "../secret.ts";

/** A command with its input, ready to run. */
export interface Invocation {
  readonly name: string;
  readonly input: object;
  /** @throws CliError when the command fails. */
  run(io: Io): Promise<void>;
}

/** A command: its description for the command line, and its action. */
export interface Command extends CommandSpec {
  /** @throws CliError that names the invalid option. */
  prepare(args: ParsedArgs, secrets: SecretReader): Promise<Invocation>;
}

/** What a command does. `read` can use only the options that the command has. */
export interface CommandAction<Name extends string, Input extends object> {
  /** Turns option values into the input of the command, and reads the files and the standard input that they name. */
  read(
    values: OptionValues<Name>,
    secrets: SecretReader,
    operand: string | undefined,
  ): Input | Promise<Input>;
  run(input: Input, io: Io): Promise<void>;
}

/** Pairs a spec with the action, which is loaded when the command is used. */
export function bindCommand<Name extends string, Input extends object>(
  spec: CommandSpec<Name>,
  load: () => Promise<CommandAction<Name, Input>>,
): Command {
  return {
    ...spec,
    async prepare(args, secrets) {
      const [{ prepare }, action] = await Promise.all([import("./prepare.ts"), load()]);
      return prepare(spec, action, args, secrets);
    },
  };
}
