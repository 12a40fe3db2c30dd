import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { listProfiles, profileDirectory } from "capability-sdk/profiles";
import { COMMANDS, COMMAND_GROUPS } from "./commands/commands.ts";
import { COMPLETION_REQUEST, complete } from "./commands/completion/complete.ts";
import { CliError } from "./errors/cli-error.ts";
import { toCliError } from "./errors/explain.ts";
import type { Io } from "./io.ts";
import { readCommandLine } from "./read-command-line.ts";
import { createSecretReader } from "./secret.ts";
import { formatError } from "./terminal.ts";

const { stdin, stdout, stderr, env, argv } = process;

const isColoured = stderr.isTTY && (env["NO_COLOR"] ?? "") === "";

stdout.on("error", (error: NodeJS.ErrnoException) => {
  // EPIPE means that the reader has stopped (head, grep -q), which is not an error.
  if (error.code !== "EPIPE") fail(new CliError(`standard output cannot be written (${error.code})`));
  process.exit();
});

try {
  const io: Io = { stdin, stdout, stderr, profiles: profileDirectory(home()), isColoured, shell: shell() };
  const args = argv.slice(2);
  if (args[0] === COMPLETION_REQUEST) await printCompletions(args, io);
  else await runCommandLine(args, io);
} catch (error) {
  fail(toCliError(error));
}

function fail(error: CliError): void {
  stderr.write(formatError(error, isColoured));
  process.exitCode = 1;
}

async function runCommandLine(args: readonly string[], io: Io): Promise<void> {
  const secrets = createSecretReader(stdin);
  const invocation = await readCommandLine(args, { version: ownVersion(), secrets });
  await invocation.run(io);
}

/** Prints one completion per line; zsh also shows a description, which follows a colon. */
async function printCompletions([, , ...words]: readonly string[], io: Io): Promise<void> {
  const completions = await complete(words, {
    commands: COMMANDS,
    groups: COMMAND_GROUPS,
    profileNames: () => listProfiles(io.profiles),
  });
  for (const { word, describe } of completions) {
    stdout.write(io.shell === "zsh" && describe !== undefined ? `${word}:${describe}\n` : `${word}\n`);
  }
}

function shell(): Io["shell"] {
  return env["SHELL"]?.includes("zsh") === true ? "zsh" : "bash";
}

/** Returns the home directory. A user without an entry in the system's list has only the one in HOME. */
function home(): string {
  try {
    return homedir();
  } catch (cause) {
    const hint = "Set the variable HOME to your directory: profiles are stored in it.";
    throw new CliError("this user has no home directory", hint, { cause });
  }
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const isManifest = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isManifest && typeof manifest.version === "string" ? manifest.version : "unknown";
}
