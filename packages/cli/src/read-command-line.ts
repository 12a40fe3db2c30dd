import { COMMANDS, COMMAND_GROUPS } from "./commands/commands.ts";
import type { Invocation } from "./commands/command.ts";
import { CliError } from "./errors/cli-error.ts";
import { formatHelp } from "./help/format-help.ts";
import { parseArgs } from "./parse/parse-args.ts";
import type { SecretReader } from "./secret.ts";

/** What the command line needs from the environment. */
export interface CommandLineContext {
  /** The output of `--version`. */
  readonly version: string;
  readonly secrets: SecretReader;
}

/**
 * Reads the command line, and the secrets that it names. Help and version are invocations that print a text.
 *
 * @throws CliError that names the problem and the help that describes the command.
 */
export async function readCommandLine(
  args: readonly string[],
  { version, secrets }: CommandLineContext,
): Promise<Invocation> {
  try {
    const parsed = parseArgs(args, COMMANDS);
    if (parsed.kind === "command") return await parsed.command.prepare(parsed, secrets);
    const isVersion = parsed.kind === "version";
    const text = isVersion ? `${version}\n` : formatHelp(parsed.path, COMMANDS, COMMAND_GROUPS);
    return { name: parsed.kind, input: {}, run: async ({ stdout }) => void stdout.write(text) };
  } catch (error) {
    throw withHelp(error, args);
  }
}

/** Adds to an error of the command line which help describes the command. */
function withHelp(error: unknown, args: readonly string[]): unknown {
  if (!(error instanceof CliError) || error.hint !== undefined) return error;
  return new CliError(error.message, `"${helpLine(args)}" lists its options.`, { cause: error.cause });
}

function helpLine(args: readonly string[]): string {
  const names = [...COMMANDS.map(({ name }) => name), ...COMMAND_GROUPS.map(([word]) => word)];
  const name = names.find((known) => known.split(" ").every((word, index) => args[index] === word));
  return name === undefined ? "capi --help" : `capi ${name} --help`;
}
