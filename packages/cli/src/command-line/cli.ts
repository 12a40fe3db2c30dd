import { Failure } from "../failure/failure.ts";
import type { SecretReader } from "../secret.ts";
import type { Command } from "./command.ts";
import { ENTRIES, GROUPS } from "./entries.ts";
import { COMPLETION_REQUEST, printCompletions, printHelp } from "./help.ts";
import { parseWords } from "./words.ts";

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
 * @throws Failure that names what is wrong and points to the help that tells.
 */
export async function readCommandLine(
  words: readonly string[],
  context: CommandLineContext,
): Promise<Command | undefined> {
  if (words[0] === COMPLETION_REQUEST) return complete(words, context);
  try {
    const parsed = parseWords(words, ENTRIES);
    if (parsed.kind === "command") return await parsed.command.read(parsed, context.secrets);
    if (parsed.kind === "version") context.print(context.version);
    else await printHelp(parsed.path);
    return undefined;
  } catch (error) {
    throw withHelp(error, words);
  }
}

/** The last word is the one that is being written; a shell asks with all that stand before it. */
async function complete(words: readonly string[], context: CommandLineContext): Promise<undefined> {
  if (words.length <= 2 || words.at(-2) !== "--profile") {
    await printCompletions(words);
    return;
  }
  // A damaged file is no reason to put an error on the line that is being written.
  const names = await context.profileNames().catch(() => []);
  names.forEach((name) => context.print(name));
}

/** Every wrong command line says where the right one is described. */
function withHelp(error: unknown, words: readonly string[]): unknown {
  if (!(error instanceof Failure) || error.next !== undefined) return error;
  return new Failure(error.message, `"${helpLine(words)}" tells what it takes.`, { cause: error.cause });
}

function helpLine(words: readonly string[]): string {
  const names = [...ENTRIES.map(({ name }) => name), ...GROUPS.map(([word]) => word)];
  const name = names.find((known) => known.split(" ").every((word, index) => words[index] === word));
  return name === undefined ? "capi --help" : `capi ${name} --help`;
}
