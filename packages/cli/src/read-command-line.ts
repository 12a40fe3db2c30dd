import { COMMANDS, COMMAND_GROUPS } from "./commands/commands.ts";
import type { Invocation } from "./commands/command.ts";
import { CliError } from "./errors/cli-error.ts";
import { formatHelp } from "./help/format-help.ts";
import { parseArgs } from "./parse/parse-args.ts";
import type { SecretReader } from "./secret.ts";

/** What the command line needs of the machine. */
export interface CommandLineContext {
  /** Printed for `--version`. */
  readonly version: string;
  readonly secrets: SecretReader;
}

/**
 * Reads the command line, and the secrets that it names. Help and the version are invocations too: they print.
 *
 * @throws CliError that names what is wrong and the help that describes it.
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

/** Every error of the command line says where the right one is described. */
function withHelp(error: unknown, args: readonly string[]): unknown {
  if (!(error instanceof CliError) || error.hint !== undefined) return error;
  return new CliError(error.message, `"${helpLine(args)}" tells what it takes.`, { cause: error.cause });
}

function helpLine(args: readonly string[]): string {
  const names = [...COMMANDS.map(({ name }) => name), ...COMMAND_GROUPS.map(([word]) => word)];
  const name = names.find((known) => known.split(" ").every((word, index) => args[index] === word));
  return name === undefined ? "capi --help" : `capi ${name} --help`;
}
