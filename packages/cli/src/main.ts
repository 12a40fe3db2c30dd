import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { COMMANDS, COMMAND_GROUPS } from "./commands/commands.ts";
import { CliError } from "./errors/cli-error.ts";
import type { SecretReader } from "./secret.ts";
import type { Io } from "./io.ts";
import { readCommandLine } from "./read-command-line.ts";

/**
 * First argument of a shell's script that asks for completions of the words after it. The name cannot change, since the scripts
 * are in users' start-up files.
 */
const COMPLETION_REQUEST = "--get-yargs-completions";

const { stdout, stderr, env, argv } = process;

const isColored = stderr.isTTY && (env["NO_COLOR"] ?? "") === "";

stdout.once("error", (error: NodeJS.ErrnoException) => void endWithoutOutput(error));

try {
  const io: Io = {
    // Opens it at the first use, since that loads the part of Node.js for a pipe, a file or a terminal.
    get stdin() {
      return process.stdin;
    },
    stdout,
    stderr,
    profiles,
    isColored,
    shell: shell(),
  };
  const args = argv.slice(2);
  if (args[0] === COMPLETION_REQUEST) await printCompletions(args, io);
  else await runCommandLine(args, io);
} catch (error) {
  const { toCliError } = await import("./errors/to-cli-error.ts");
  await fail(toCliError(error));
}

async function endWithoutOutput({ code }: NodeJS.ErrnoException): Promise<void> {
  // Each later write fails too.
  stdout.on("error", () => undefined);
  // EPIPE means that the reader has stopped (head, grep -q), which is not an error.
  if (code !== "EPIPE") await fail(new CliError(`standard output cannot be written (${code})`));
  process.exit();
}

async function fail(error: CliError): Promise<void> {
  process.exitCode = 1;
  const { formatError } = await import("./terminal.ts");
  stderr.write(formatError(error, isColored));
}

async function runCommandLine(args: readonly string[], io: Io): Promise<void> {
  const invocation = await readCommandLine(args, { version: ownVersion(), openSecrets });
  await invocation.run(io);
}

async function openSecrets(): Promise<SecretReader> {
  const { createSecretReader } = await import("./secret.ts");
  return createSecretReader(process.stdin);
}

/** Prints one completion per line; zsh also shows a description, which follows a colon. */
async function printCompletions([, , ...words]: readonly string[], io: Io): Promise<void> {
  const { listProfiles } = await import("capability-sdk/profiles");
  const { complete } = await import("./commands/completion/complete.ts");
  const completions = await complete(words, {
    commands: COMMANDS,
    groups: COMMAND_GROUPS,
    profileNames: async () => listProfiles(await io.profiles()),
  });
  for (const { word, describe } of completions) {
    stdout.write(io.shell === "zsh" && describe !== undefined ? `${word}:${describe}\n` : `${word}\n`);
  }
}

function shell(): Io["shell"] {
  return env["SHELL"]?.includes("zsh") === true ? "zsh" : "bash";
}

async function profiles(): Promise<string> {
  const { profileDirectory } = await import("capability-sdk/profiles");
  return profileDirectory(home());
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
