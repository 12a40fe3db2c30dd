import type { SecretReader } from "../secret.ts";
import type { CapiCommand } from "./command.ts";
import type { OptionValues } from "./option-values.ts";
import { readOptionValues } from "./option-values.ts";
import type { OptionSpec } from "./option-spec.ts";
import type { ParsedArgs, CommandShape } from "./parse.ts";

/** All that the command line knows of a command. */
export interface CommandSpec extends CommandShape {
  readonly name: CapiCommand["name"];
  readonly describe: string;
  /** A word of its own behind the command, which may be left out. */
  readonly operand?: { readonly name: string; readonly describe: string } | undefined;
  /** Command lines and what they do. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** @throws CliError that names the option that is not what it should be. */
  read(args: ParsedArgs, secrets: SecretReader): Promise<CapiCommand>;
}

/** An entry whose reader can ask for its own options alone. */
export function defineCommand<Name extends string>(
  spec: Omit<CommandSpec, "options" | "read"> & {
    readonly options: Readonly<Record<Name, OptionSpec>>;
    readonly read: (
      given: OptionValues<Name>,
      secrets: SecretReader,
      operand: string | undefined,
    ) => CapiCommand | Promise<CapiCommand>;
  },
): CommandSpec {
  return {
    ...spec,
    async read({ values, operands }, secrets) {
      return spec.read(readOptionValues<Name>(values, secrets), secrets, operands[0]);
    },
  };
}
