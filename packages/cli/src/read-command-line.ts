import { COMMANDS, COMMAND_GROUPS } from "./commands/commands.ts";
import type { Invocation } from "./commands/command.ts";
import { CliError } from "./errors/cli-error.ts";
import { parseArgs } from "./parse/parse-args.ts";
import type { SecretReader } from "./secret.ts";

/** What the command line needs from the environment. */
export interface CommandLineContext {
  /** The output of `--version`. */
  readonly version: string;
  /** Makes the reader of the secrets that a command names, and of standard input. */
  openSecrets(): SecretReader | Promise<SecretReader>;
}

/**
 * Reads the command line, and the secrets that it names. Help and version are invocations that print a text.
 *
 * @throws CliError that names the problem and the help that describes the command.
 */
export async function readCommandLine(
  args: readonly string[],
  { version, openSecrets }: CommandLineContext,
): Promise<Invocation> {
  try {
    const parsed = parseArgs(args, COMMANDS);
    if (parsed.kind === "command") return await parsed.command.prepare(parsed, await openSecrets());
    const text = parsed.kind === "version" ? `${version}\n` : await helpOf(parsed.path);
    return { name: parsed.kind, input: {}, run: async ({ stdout }) => void stdout.write(text) };
  } catch (error) {
    throw withHelp(error, args);
  }
}

async function helpOf(path: readonly string[]): Promise<string> {
  const { formatHelp } = await import("./help/format-help.ts");
  return formatHelp(path, COMMANDS, COMMAND_GROUPS);
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
