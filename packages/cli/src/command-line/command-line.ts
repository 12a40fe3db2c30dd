import { CliError } from "../errors/cli-error.ts";
import type { SecretReader } from "../secret.ts";
import type { CapiCommand } from "./command.ts";
import { COMMAND_SPECS, COMMAND_GROUPS } from "./command-specs.ts";
import { COMPLETION_REQUEST, printCompletions, printHelp } from "./help.ts";
import { parseArgs } from "./parse.ts";

/** What the command line needs of the machine. */
export interface CommandLineContext {
  readonly version: string;
  readonly secrets: SecretReader;
  /** For completing `--profile`. */
  profileNames(): Promise<readonly string[]>;
  /** Writes a line to standard output. */
  print(line: string): void;
}

/**
 * Reads the command line, and the secrets that it names. Help, the version and completions are printed here; then there
 * is no command.
 *
 * @throws CliError that names what is wrong and points to the help that tells.
 */
export async function readCommandLine(
  args: readonly string[],
  context: CommandLineContext,
): Promise<CapiCommand | undefined> {
  if (args[0] === COMPLETION_REQUEST) return complete(args, context);
  try {
    const parsed = parseArgs(args, COMMAND_SPECS);
    if (parsed.kind === "command") return await parsed.command.read(parsed, context.secrets);
    if (parsed.kind === "version") context.print(context.version);
    else await printHelp(parsed.path);
    return undefined;
  } catch (error) {
    throw withHelp(error, args);
  }
}

/** The last word is the one that is being written; a shell asks with all that stand before it. */
async function complete(args: readonly string[], context: CommandLineContext): Promise<undefined> {
  if (args.length <= 2 || args.at(-2) !== "--profile") {
    await printCompletions(args);
    return;
  }
  // A damaged file is no reason to put an error on the line that is being written.
  const names = await context.profileNames().catch(() => []);
  names.forEach((name) => context.print(name));
}

/** Every wrong command line says where the right one is described. */
function withHelp(error: unknown, args: readonly string[]): unknown {
  if (!(error instanceof CliError) || error.hint !== undefined) return error;
  return new CliError(error.message, `"${helpLine(args)}" tells what it takes.`, { cause: error.cause });
}

function helpLine(args: readonly string[]): string {
  const names = [...COMMAND_SPECS.map(({ name }) => name), ...COMMAND_GROUPS.map(([word]) => word)];
  const name = names.find((known) => known.split(" ").every((word, index) => args[index] === word));
  return name === undefined ? "capi --help" : `capi ${name} --help`;
}
