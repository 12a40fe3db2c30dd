import type { OptionSpec } from "./option-spec.ts";
import type { CommandShape } from "./parse-args.ts";

/** A command as the parser, the help and completions use it. Every command has one of these. */
export interface CommandSpec<Name extends string = string> extends CommandShape {
  readonly options: Readonly<Record<Name, OptionSpec>>;
  readonly describe: string;
  /** An optional positional argument. */
  readonly operand?: { readonly name: string; readonly describe: string } | undefined;
  /** Command lines, each with a description. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
}
