import type { Argv } from "yargs";
import yargs from "yargs";
import type { Command } from "./command.ts";
import type { DataConfig, RawDataFlags } from "./config.ts";
import { LOG_LEVELS, readDataConfig, readInitConfig, readServeConfig } from "./config.ts";
import { ConfigError } from "./config-error.ts";
import { isOnCommandLine, nameVariable, rejectActionVariables, rejectAmbiguousFlags } from "./flag-checks.ts";
import { readMovePlace } from "./move-place.ts";
import { pickLimits, withLimits } from "./service-limit-flags.ts";
import type { StoreOrigin } from "./store-config.ts";
import { explainParserError } from "./unknown-argument.ts";
import { foreignVariables, VARIABLE_NAMESPACE } from "./variables.ts";

/**
 * A flag that is on or off, as text without a default: the parser reads `1` and `yes` as false for a boolean, and a flag without
 * a value as the default.
 */
const SWITCH = { type: "string" } as const;

/** Refuses a flag without its value: ignoring it would leave the default, for a limit too. */
const TEXT = { type: "string", requiresArg: true } as const;

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
    .command("key", "The service key: rotate, status, drop", (key) =>
      key
        .command("rotate", "Make the store use a new key, while it is not served", jsonFlags, (flags) => {
          command = { name: "key rotate", config: readDataConfig(complete(flags, origin)), json: flags.json };
        })
        .command("status", "Count the capabilities that need each key", jsonFlags, (flags) => {
          command = { name: "key status", config: readDataConfig(complete(flags, origin)), json: flags.json };
        })
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
        .demandCommand(1, "key: expected rotate, status or drop"),
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
      "Copy the store to an empty directory, also while the service runs",
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

function readDirectory(command: string, directory: string | undefined): string {
  const expected = `${command}: expected a directory, as in ${command} /var/backups/membrane`;
  return requireValue(directory === "" ? undefined : directory, expected);
}

function readTrailFiles(files: readonly string[] | undefined, { audit }: DataConfig): readonly string[] {
  if (files !== undefined && files.length > 0) return files;
  if (audit !== undefined) return [audit.file];
  throw new ConfigError(
    "audit verify: expected the files of the trail, as in audit verify /var/log/membrane/audit.log*",
  );
}

const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,3})?Z)?$/;

function readTime(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new ConfigError(`${flag}: expected a time in UTC, as in 2026-01-31 or 2026-01-31T12:00:00Z`);
  return time;
}

function readTenant(tenant: string | undefined): string {
  return requireValue(tenant, "--tenant: expected the tenant's name, as in --tenant alice");
}

/** @throws ConfigError that says what is expected, unless it is a whole number that can be counted to. */
function readCount(text: string | undefined, expected: string): number {
  if (text === undefined || !/^(?:0|[1-9][0-9]{0,14})$/.test(text)) throw new ConfigError(expected);
  return Number(text);
}

/** The parser's own message for a missing flag would not say what is expected. */
function requireValue(value: string | undefined, expected: string): string {
  if (value === undefined) throw new ConfigError(expected);
  return value;
}

type Visibility = "shown" | "hidden";

function jsonFlags(argv: Argv) {
  return withJson(serveFlags(argv, "hidden"));
}

function withJson<T>(argv: Argv<T>) {
  return argv.option("json", { type: "boolean", default: false, describe: "Print JSON" });
}

function initFlags(argv: Argv) {
  return withJson(serveFlags(argv, "hidden", "shown"));
}

function idFlags(argv: Argv) {
  return jsonFlags(argv).option("id", { ...TEXT, describe: "The tenant's name, required" });
}

function membraneFlags(argv: Argv) {
  return jsonFlags(argv).option("tenant", { ...TEXT, describe: "The tenant's name, required" });
}

function revokeFlags(argv: Argv) {
  return membraneFlags(argv).option("id", { ...TEXT, describe: "The membrane's name, required" });
}

function leakedFlags(argv: Argv) {
  return jsonFlags(argv).option("revoke", {
    type: "boolean",
    describe: "Revoke the membranes that end what is alive, without a question; --no-revoke: none",
  });
}

function dropFlags(argv: Argv) {
  return jsonFlags(argv)
    .positional("key", { type: "string", describe: "The key's number, as in key status, required" })
    .option("forgets", { ...TEXT, describe: "How many capabilities are forgotten, required" });
}

function directoryFlags(argv: Argv) {
  return serveFlags(argv, "hidden").positional("directory", {
    type: "string",
    describe: "Directory of the backup, required",
  });
}

function verifyFlags(argv: Argv) {
  return serveFlags(argv, "hidden")
    .positional("files", {
      type: "string",
      array: true,
      describe: "Files of the trail, in any order [default: the file of --audit]",
    })
    .option("since", {
      ...TEXT,
      describe: "Time from which on no writer may be missing [default: of the first line]",
    });
}

function moveFlags(argv: Argv) {
  return serveFlags(argv, "hidden")
    .option("from", { ...TEXT, describe: "lmdb:DIR or postgres://…, where the store is, required" })
    .option("to", { ...TEXT, describe: "lmdb:DIR or postgres://…, where there is none yet, required" });
}

/** @param isServed whether the command serves or initializes; others take the authority that was served last. */
function dataFlags(argv: Argv, isServed: boolean, profile: Visibility) {
  // Named first, so that the help prints this group before the limits.
  return argv
    .group("data", "Options:")
    .option("data", {
      ...TEXT,
      default: "./membrane-data",
      describe: "Directory of the store, its key and certificates",
    })
    .option("store", {
      ...TEXT,
      default: "lmdb",
      describe:
        "lmdb: a store in --data; or postgres://[USER@]HOST[:PORT]/DATABASE: one that many nodes share",
    })
    .option("service-key-file", {
      ...TEXT,
      describe: "Where the service key is [default: service.key in --data]",
    })
    .option("authority", {
      ...TEXT,
      describe: `host[:port] in every capability URI, where clients reach the service [default: ${isServed ? "localhost:PORT" : "the one it was last served at"}]`,
    })
    .option("audit", {
      ...TEXT,
      describe: "File of the audit trail: a line for each change and refusal [default: none]",
    })
    .option("audit-required", {
      ...SWITCH,
      describe: "Do nothing that the audit trail cannot record, but revokes",
    })
    .option("profile", {
      ...TEXT,
      default: "default",
      hidden: profile === "hidden",
      describe: "Profile of capi that a first start makes, unless it exists; --no-profile: none",
    });
}

function serveFlags(argv: Argv, visibility: Visibility, profile: Visibility = visibility) {
  const hidden = visibility === "hidden";
  const flags = dataFlags(argv, visibility === "shown" || profile === "shown", profile)
    .option("listen", {
      ...TEXT,
      default: "127.0.0.1:8443",
      hidden,
      describe: "Address to listen on: HOST:PORT",
    })
    .option("authority-alias", {
      ...TEXT,
      array: true,
      default: [],
      hidden,
      describe: "Further names of this service",
    })
    .option("authority-ca", {
      ...TEXT,
      array: true,
      default: [],
      hidden,
      describe: "AUTHORITY=FILE: private CA of another authority",
    })
    .option("allow-target", {
      ...TEXT,
      array: true,
      default: [],
      hidden,
      describe: "Allow non-public target addresses: CIDR[:PORT],…",
    })
    .option("forbid-http-targets", { ...SWITCH, hidden, describe: "Connect to targets over TLS only" })
    .option("forbid-unverified-targets", {
      ...SWITCH,
      hidden,
      describe: "Check the certificate of every target, whatever its rejectUnauthorized says",
    })
    .option("trust-proxy", {
      ...TEXT,
      array: true,
      default: [],
      hidden,
      describe: "CIDR,… of proxies whose X-Forwarded-For, X-Forwarded-Proto and X-Request-Id are trusted",
    })
    .option("tls", {
      ...SWITCH,
      hidden,
      describe: "--no-tls: plain HTTP, for a proxy that terminates TLS",
    })
    .option("tls-cert", {
      ...TEXT,
      hidden,
      describe: "Certificate chain in PEM [default: a private CA in --data]",
    })
    .option("tls-key", { ...TEXT, hidden, describe: "Its private key in PEM" })
    .option("workers", {
      type: "number",
      requiresArg: true,
      default: 1,
      hidden,
      describe: "Number of processes that serve; each has all limits below to itself",
    })
    .option("metrics-listen", {
      ...TEXT,
      hidden,
      describe:
        "Address where Prometheus reads metrics, without authentication: ADDRESS:PORT [default: none]",
    })
    .option("otlp-endpoint", {
      ...TEXT,
      hidden,
      describe: "URL of a collector that gets traces, by OTLP over HTTP [default: none]",
    })
    .option("otlp-headers-file", {
      ...TEXT,
      hidden,
      describe: "File with the headers of requests to it, a line for each: Authorization: Bearer …",
    })
    .option("otlp-ca", { ...TEXT, hidden, describe: "CA certificates of the collector's private CA, in PEM" })
    .option("otlp-sample", {
      ...TEXT,
      hidden,
      describe: "Share of the traces that are recorded, from 0 to 1 [default: 1]",
    })
    .option("audit-invocations", {
      ...TEXT,
      hidden,
      describe: "Share of invocations in the audit trail, from 0 to 1 [default: 0]",
    })
    .option("log-level", {
      ...TEXT,
      default: "info",
      hidden,
      describe: `Least severe event that is logged: ${LOG_LEVELS.join(", ")}`,
    });
  return withLimits(flags, hidden);
}
