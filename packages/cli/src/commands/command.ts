import type { Io } from "../io.ts";
import type { CommandSpec } from "../parse/command-spec.ts";
import type { ParsedArgs } from "../parse/parse-args.ts";
import { findExposedSecrets } from "../parse/exposed-secrets.ts";
import type { SecretReader } from "../secret.ts";
import { printWarning } from "../terminal.ts";

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
      const exposed = findExposedSecrets(spec, args);
      return {
        name: spec.name,
        input,
        run(io) {
          if (exposed.length > 0 && io.stderr.isTTY === true) printWarning(io, exposureOf(exposed));
          return run(input, io);
        },
      };
    },
  };
}

function exposureOf(names: readonly string[]): string {
  return `${names.join(", ")}: other users of this machine can read what is on a command line; @FILE in its place hides it`;
}
