import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { listProfiles, profileDirectory } from "capability-sdk/profiles";
import { readCommandLine } from "./command-line/cli.ts";
import type { Command } from "./command-line/command.ts";
import { printCompletionScript } from "./command-line/help.ts";
import { config } from "./commands/config/config.ts";
import { membrane } from "./commands/membrane/membrane.ts";
import { profiles } from "./commands/profiles.ts";
import { request } from "./commands/request/request.ts";
import { explainAny } from "./failure/explain.ts";
import { Failure } from "./failure/failure.ts";
import { createSecretReader } from "./secret.ts";
import { formatFailure } from "./terminal.ts";
import type { World } from "./world.ts";

const { stdin, stdout, stderr, env, argv } = process;

const isColoured = stderr.isTTY && (env["NO_COLOR"] ?? "") === "";

stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever reads the answer may have had enough of it (head, grep -q): nothing went wrong, and nobody is left to be told.
  if (error.code !== "EPIPE") fail(new Failure(`standard output cannot be written (${error.code})`));
  process.exit();
});

try {
  const world: World = { stdin, stdout, stderr, profiles: profileDirectory(home()), isColoured };
  const command = await readCommandLine(argv.slice(2), {
    version: ownVersion(),
    secrets: createSecretReader(stdin),
    profileNames: () => listProfiles(world.profiles),
    print: (line) => void stdout.write(`${line}\n`),
  });
  if (command !== undefined) await run(command, world);
} catch (error) {
  fail(explainAny(error));
}

function fail(failure: Failure): void {
  stderr.write(formatFailure(failure, isColoured));
  process.exitCode = 1;
}

async function run(command: Command, world: World): Promise<void> {
  switch (command.name) {
    case "membrane create":
    case "membrane export":
    case "membrane query":
    case "membrane revoke":
    case "membrane delete-self":
      return membrane(command, world);
    case "request":
      return request(command, world);
    case "config configure":
    case "config list":
    case "config remove":
      return config(command, world);
    case "profiles":
      return profiles(world);
    case "completion":
      return printCompletionScript();
  }
}

/** A user without an entry in the system's list has no home directory but the one that HOME names. */
function home(): string {
  try {
    return homedir();
  } catch (cause) {
    const next = "Set the variable HOME to a directory of yours: profiles are kept in it.";
    throw new Failure("this user has no home directory", next, { cause });
  }
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const isManifest = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isManifest && typeof manifest.version === "string" ? manifest.version : "unknown";
}
