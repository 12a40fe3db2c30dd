import yargs from "yargs";
import type { Command } from "./command.ts";
import {
  directoryFlags,
  dropFlags,
  idFlags,
  initFlags,
  jsonFlags,
  leakedFlags,
  membraneFlags,
  moveFlags,
  revokeFlags,
  verifyFlags,
} from "./command-flags.ts";
import type { DataConfig, RawDataFlags } from "./config.ts";
import { readDataConfig, readInitConfig, readServeConfig } from "./config.ts";
import { ConfigError } from "./config-error.ts";
import { isOnCommandLine, nameVariable, rejectActionVariables, rejectAmbiguousFlags } from "./flag-checks.ts";
import {
  readCount,
  readDirectory,
  readTenant,
  readTime,
  readTrailFiles,
  requireValue,
} from "./flag-values.ts";
import { readMovePlace } from "./move-place.ts";
import { serveFlags } from "./serve-flags.ts";
import { pickLimits } from "./service-limit-flags.ts";
import type { StoreOrigin } from "./store-config.ts";
import { explainParserError } from "./unknown-argument.ts";
import { foreignVariables, VARIABLE_NAMESPACE } from "./variables.ts";

/** Width of the help. The parser gives half of it to the names of flags, and each of them fits on a line. */
const HELP_COLUMNS = 110;

/**
 * Reads the command line; every flag can also be a variable, `--allow-target` as `MEMBRANE_ALLOW_TARGET`. All commands
 * know the flags of `serve`, so that they run in its environment.
 *
 * @param version printed for `--version`.
 * @param environment variables of the process; those that are meant for other programs are removed from it.
 * @returns nothing when help or the version was printed.
 * @throws ConfigError whose message names what is wrong and says what to do.
 */
export async function readCommandLine(
  args: readonly string[],
  version: string,
  environment: NodeJS.ProcessEnv,
): Promise<Command | undefined> {
  let command: Command | undefined;
  // The parser reads the environment itself.
  for (const name of foreignVariables(environment)) delete environment[name];
  rejectActionVariables(environment);
  const origin: StoreOrigin = {
    source: isOnCommandLine("store", args) ? "command line" : "variable",
    environment,
  };
  const parser = yargs([...args])
    .scriptName("membrane")
    .usage(
      "$0 <command>\n\nHands out capabilities for single HTTP requests instead of the credentials that they need.",
    )
    .epilogue(
      `Every flag is also a variable: --allow-target as ${VARIABLE_NAMESPACE}_ALLOW_TARGET, --no-tls as ${VARIABLE_NAMESPACE}_TLS=false.`,
    )
    .env(VARIABLE_NAMESPACE)
    .wrap(HELP_COLUMNS)
    .command(
      "serve",
      'Run the service; the first start makes the tenant "default"',
      (argv) => serveFlags(argv, "shown"),
      (flags) => {
        command = { name: "serve", config: readServeConfig(complete(flags, origin)) };
      },
    )
    .command("init", "Initialize a data directory and exit", initFlags, (flags) => {
      command = { name: "init", config: readInitConfig(complete(flags, origin)), json: flags.json };
    })
    .command("tenant", "Tenants: create, list, reissue, delete", (tenant) =>
      tenant
        .command("create", "Make a tenant and print its capabilities", idFlags, (flags) => {
          command = { name: "tenant create", ...readTenantFlags(flags, origin) };
        })
        .command("list", "List the tenants", jsonFlags, (flags) => {
          command = {
            name: "tenant list",
            config: readDataConfig(complete(flags, origin)),
            json: flags.json,
          };
        })
        .command("reissue", "Give a tenant new capabilities when its own are lost", idFlags, (flags) => {
          command = { name: "tenant reissue", ...readTenantFlags(flags, origin) };
        })
        .command("delete", "Revoke all that a tenant owns, and delete it", idFlags, (flags) => {
          command = { name: "tenant delete", ...readTenantFlags(flags, origin) };
        })
        .demandCommand(1, "tenant: expected create, list, reissue or delete"),
    )
    .command("membrane", "Membranes of a tenant whose capabilities are lost: list, revoke", (membrane) =>
      membrane
        .command("list", "List a tenant's membranes", membraneFlags, (flags) => {
          const tenant = readTenant(flags.tenant);
          command = {
            name: "membrane list",
            config: readDataConfig(complete(flags, origin)),
            tenant,
            json: flags.json,
          };
        })
        .command("revoke", "Revoke a membrane, and all that went through it", revokeFlags, (flags) => {
          const tenant = readTenant(flags.tenant);
          const id = requireValue(flags.id, "--id: expected the membrane's name, as in --id mail");
          command = {
            name: "membrane revoke",
            config: readDataConfig(complete(flags, origin)),
            tenant,
            id,
            json: flags.json,
          };
        })
        .demandCommand(1, "membrane: expected list or revoke"),
    )
    .command("key", "The service key: rotate, status, retire, drop", (key) =>
      key
        .command("rotate", "Make the store use a new key, while it is not served", jsonFlags, (flags) => {
          command = { name: "key rotate", config: readDataConfig(complete(flags, origin)), json: flags.json };
        })
        .command("status", "Count the capabilities that need each key", jsonFlags, (flags) => {
          command = { name: "key status", config: readDataConfig(complete(flags, origin)), json: flags.json };
        })
        .command(
          "retire",
          "Mark the keys before the one in use as retired, in the service key file",
          jsonFlags,
          (flags) => {
            command = {
              name: "key retire",
              config: readDataConfig(complete(flags, origin)),
              json: flags.json,
            };
          },
        )
        .command(
          "drop [key]",
          "Forget what needs an older key, while the store is not served",
          dropFlags,
          (flags) => {
            const keyVersion = readCount(flags.key, "key drop: expected the key's number, as in key drop 1");
            const forgets = readCount(
              flags.forgets,
              "--forgets: expected how many capabilities are forgotten, as in --forgets 0; key status counts them",
            );
            const config = readDataConfig(complete(flags, origin));
            command = { name: "key drop", config, json: flags.json, keyVersion, forgets };
          },
        )
        .demandCommand(1, "key: expected rotate, status, retire or drop"),
    )
    .command(
      "leaked",
      "Find capabilities in a text on standard input, and end them",
      leakedFlags,
      (flags) => {
        const { json, revoke } = flags;
        command = { name: "leaked", config: readDataConfig(complete(flags, origin)), json, revoke };
      },
    )
    .command("audit", "The audit trail: verify", (audit) =>
      audit
        .command(
          "verify [files..]",
          "Check that no line of the trail is missing or was changed, while the service may run",
          verifyFlags,
          (flags) => {
            const config = readDataConfig(complete(flags, origin));
            const files = readTrailFiles(flags.files, config);
            command = { name: "audit verify", config, files, since: readTime("--since", flags.since) };
          },
        )
        .demandCommand(1, "audit: expected verify"),
    )
    .command(
      "backup [directory]",
      "Copy the store to an empty directory, even while the service runs",
      directoryFlags,
      (flags) => {
        const directory = readDirectory("backup", flags.directory);
        command = { name: "backup", config: readDataConfig(complete(flags, origin)), directory };
      },
    )
    .command(
      "restore [directory]",
      "Put the store of a backup into a data directory that has none",
      directoryFlags,
      (flags) => {
        const directory = readDirectory("restore", flags.directory);
        command = { name: "restore", config: readDataConfig(complete(flags, origin)), directory };
      },
    )
    .command(
      "migrate",
      "Move the store between LMDB and PostgreSQL, while it is not served",
      moveFlags,
      (flags) => {
        const place = (flag: "from" | "to") => {
          const source = isOnCommandLine(flag, args) ? "command line" : "variable";
          return readMovePlace(`--${flag}`, flags[flag], { source, environment });
        };
        command = {
          name: "migrate",
          config: readDataConfig(complete(flags, origin)),
          from: place("from"),
          to: place("to"),
        };
      },
    )
    .command(
      "doctor",
      "Check the machine and the configuration, and say what to do",
      (argv) => serveFlags(argv, "shown"),
      (flags) => {
        command = { name: "doctor", config: readServeConfig(complete(flags, origin)) };
      },
    )
    .demandCommand(
      1,
      "expected a command: serve, init, tenant, membrane, key, leaked, audit, backup, restore, migrate or doctor",
    )
    .check(rejectAmbiguousFlags)
    .strict()
    .version(version)
    .alias({ help: "h", version: "v" })
    .exitProcess(false)
    .fail((message, error) => {
      // Some errors are the parser's, and others are those of the commands, which it passes on.
      if (error instanceof Error && error.name !== "YError") throw error;
      throw new ConfigError(explainParserError(message, args, environment), { cause: error });
    });
  try {
    await parser.parseAsync();
  } catch (error) {
    throw nameVariable(error, args, environment);
  }
  return command;
}

/** Adds what the parser does not read as a flag. */
function complete<T extends Readonly<Record<string, unknown>>>(flags: T, storeOrigin: StoreOrigin) {
  return { ...flags, ...pickLimits(flags), storeOrigin };
}

type ParsedFlags<T> = RawDataFlags & Readonly<Record<string, unknown>> & T;

function readTenantFlags(
  flags: ParsedFlags<{ readonly id: string | undefined; readonly json: boolean }>,
  origin: StoreOrigin,
): {
  readonly config: DataConfig;
  readonly id: string;
  readonly json: boolean;
} {
  const id = requireValue(flags.id, "--id: expected the tenant's name, as in --id alice");
  return { config: readDataConfig(complete(flags, origin)), id, json: flags.json };
}
