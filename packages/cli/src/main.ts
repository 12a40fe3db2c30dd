import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { listProfiles, profileDirectory } from "capability-sdk/profiles";
import { readCommandLine } from "./command-line/command-line.ts";
import type { CapiCommand } from "./command-line/command.ts";
import { printCompletionScript } from "./command-line/help.ts";
import { config } from "./commands/config/config.ts";
import { membrane } from "./commands/membrane/membrane.ts";
import { profiles } from "./commands/profiles.ts";
import { request } from "./commands/request/request.ts";
import { toCliError } from "./errors/explain.ts";
import { CliError } from "./errors/cli-error.ts";
import { createSecretReader } from "./secret.ts";
import { formatError } from "./terminal.ts";
import type { Io } from "./io.ts";

const { stdin, stdout, stderr, env, argv } = process;

const isColoured = stderr.isTTY && (env["NO_COLOR"] ?? "") === "";

stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever reads the answer may have had enough of it (head, grep -q): nothing went wrong, and nobody is left to be told.
  if (error.code !== "EPIPE") fail(new CliError(`standard output cannot be written (${error.code})`));
  process.exit();
});

try {
  const io: Io = { stdin, stdout, stderr, profiles: profileDirectory(home()), isColoured };
  const command = await readCommandLine(argv.slice(2), {
    version: ownVersion(),
    secrets: createSecretReader(stdin),
    profileNames: () => listProfiles(io.profiles),
    print: (line) => void stdout.write(`${line}\n`),
  });
  if (command !== undefined) await run(command, io);
} catch (error) {
  fail(toCliError(error));
}

function fail(error: CliError): void {
  stderr.write(formatError(error, isColoured));
  process.exitCode = 1;
}

async function run(command: CapiCommand, io: Io): Promise<void> {
  switch (command.name) {
    case "membrane create":
    case "membrane export":
    case "membrane query":
    case "membrane revoke":
    case "membrane delete-self":
      return membrane(command, io);
    case "request":
      return request(command, io);
    case "config configure":
    case "config list":
    case "config remove":
      return config(command, io);
    case "profiles":
      return profiles(io);
    case "completion":
      return printCompletionScript();
  }
}

/** A user without an entry in the system's list has no home directory but the one that HOME names. */
function home(): string {
  try {
    return homedir();
  } catch (cause) {
    const hint = "Set the variable HOME to a directory of yours: profiles are kept in it.";
    throw new CliError("this user has no home directory", hint, { cause });
  }
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const isManifest = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isManifest && typeof manifest.version === "string" ? manifest.version : "unknown";
}
