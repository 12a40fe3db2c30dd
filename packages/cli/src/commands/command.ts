import type { Io } from "../io.ts";
import type { CommandSpec } from "../parse/command-spec.ts";
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
  prepare(args: ParsedArgs, secrets: SecretReader): Promise<Invocation>;
}

/** Pairs a spec with the function that takes the input that the spec reads. */
export function bindCommand<Input extends object>(
  spec: CommandSpec<Input>,
  run: (input: Input, io: Io) => Promise<void>,
): Command {
  return {
    ...spec,
    async prepare(args, secrets) {
      const input = await spec.read(args, secrets);
      return { name: spec.name, input, run: (io) => run(input, io) };
    },
  };
}
