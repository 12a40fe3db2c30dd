import type { Argv } from "yargs";
import yargs from "yargs";
import type { DataConfig, RawDataFlags, ServeConfig } from "./config.ts";
import { ConfigError, kebab, LOG_LEVELS, readDataConfig, readServeConfig } from "./config.ts";
import type { Limits } from "./limits.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { foreignVariables, PREFIX } from "./variables.ts";

/** What the command line asks for. */
export type Command =
  | { readonly name: "serve"; readonly config: ServeConfig }
  | { readonly name: "init"; readonly config: DataConfig; readonly json: boolean }
  | {
      readonly name: "tenant create" | "tenant reissue" | "tenant delete";
      readonly config: DataConfig;
      readonly id: string;
      readonly json: boolean;
    }
  | { readonly name: "tenant list"; readonly config: DataConfig; readonly json: boolean }
  | {
      readonly name: "membrane list";
      readonly config: DataConfig;
      readonly tenant: string;
      readonly json: boolean;
    }
  | {
      readonly name: "membrane revoke";
      readonly config: DataConfig;
      readonly tenant: string;
      readonly id: string;
      readonly json: boolean;
    }
  | { readonly name: "backup"; readonly config: DataConfig; readonly directory: string }
  | { readonly name: "restore"; readonly config: DataConfig; readonly directory: string }
  | { readonly name: "doctor"; readonly config: ServeConfig };

const LIMIT_NAMES = Object.keys(DEFAULT_LIMITS).filter(
  (name): name is keyof Limits => name in DEFAULT_LIMITS,
);

/** Flags that may be given more than once. */
const LISTS: ReadonlySet<string> = new Set([
  "authority-alias",
  "authority-ca",
  "allow-target",
  "trust-proxy",
]);

/**
 * On or off. A boolean of the parser takes `1` and `yes` for false, and a text with a default takes a flag without a value
 * for the default.
 */
const SWITCH = { type: "string" } as const;

const VARIABLES = PREFIX.slice(0, -1);

/** What a flag does instead of setting something: a variable of this name would do it at every start. */
const ACTIONS: ReadonlySet<string> = new Set(["HELP", "H", "VERSION", "V"]);

/**
 * Reads the command line; every flag can also be a variable, `--allow-target` as `MEMBRANE_ALLOW_TARGET`. All commands
 * know the flags of `serve`, so that they run in its environment.
 *
 * @param version printed for `--version`.
 * @param environment that of the process; what is in it for other programs is removed from it.
 * @returns nothing when help or the version was printed.
 * @throws ConfigError with a message that names what is wrong and says what to do.
 */
export async function readCommandLine(
  words: readonly string[],
  version: string,
  environment: NodeJS.ProcessEnv,
): Promise<Command | undefined> {
  let command: Command | undefined;
  // The parser reads the environment itself.
  for (const name of foreignVariables(environment)) delete environment[name];
  refuseActions(environment);
  const parser = yargs([...words])
    .scriptName("membrane")
    .usage("$0 <command>\n\nHands out capabilities to single HTTP requests, never the keys behind them.")
    .epilogue(
      `Every flag is also a variable: --allow-target as ${VARIABLES}_ALLOW_TARGET, --no-tls as ${VARIABLES}_TLS=false.`,
    )
    .env(VARIABLES)
    .command(
      "serve",
      'Run the service; the first start makes the tenant "default"',
      (argv) => serveFlags(argv, "shown"),
      (flags) => {
        command = { name: "serve", config: readServeConfig({ ...flags, limits: pickLimits(flags) }) };
      },
    )
    .command("init", "Make what the first start makes, without serving", jsonFlags, (flags) => {
      command = { name: "init", config: readData(flags), json: flags.json };
    })
    .command("tenant", "Tenants: create, list, reissue, delete", (tenant) =>
      tenant
        .command("create", "Make a tenant and print its capabilities", idFlags, (flags) => {
          command = {
            name: "tenant create",
            config: readData(flags),
            id: readId(flags.id),
            json: flags.json,
          };
        })
        .command("list", "List the tenants", jsonFlags, (flags) => {
          command = { name: "tenant list", config: readData(flags), json: flags.json };
        })
        .command("reissue", "Give a tenant new capabilities when its own are lost", idFlags, (flags) => {
          command = {
            name: "tenant reissue",
            config: readData(flags),
            id: readId(flags.id),
            json: flags.json,
          };
        })
        .command("delete", "Revoke all that a tenant owns, and delete it", idFlags, (flags) => {
          command = {
            name: "tenant delete",
            config: readData(flags),
            id: readId(flags.id),
            json: flags.json,
          };
        })
        .demandCommand(1, "tenant: expected create, list, reissue or delete"),
    )
    .command("membrane", "Membranes of a tenant whose capabilities are lost: list, revoke", (membrane) =>
      membrane
        .command("list", "List a tenant's membranes", membraneFlags, (flags) => {
          command = {
            name: "membrane list",
            config: readData(flags),
            tenant: readTenant(flags.tenant),
            json: flags.json,
          };
        })
        .command("revoke", "Revoke a membrane, and all that went through it", revokeFlags, (flags) => {
          command = {
            name: "membrane revoke",
            config: readData(flags),
            tenant: readTenant(flags.tenant),
            id: readMembrane(flags.id),
            json: flags.json,
          };
        })
        .demandCommand(1, "membrane: expected list or revoke"),
    )
    .command(
      "backup [directory]",
      "Copy the store to an empty directory, beside a running service",
      directoryFlags,
      (flags) => {
        const directory = readDirectory("backup", flags.directory);
        command = { name: "backup", config: readData(flags), directory };
      },
    )
    .command(
      "restore [directory]",
      "Put the store of a backup into a data directory that has none",
      directoryFlags,
      (flags) => {
        const directory = readDirectory("restore", flags.directory);
        command = { name: "restore", config: readData(flags), directory };
      },
    )
    .command(
      "doctor",
      "Check the machine and the configuration, and say what to do",
      (argv) => serveFlags(argv, "shown"),
      (flags) => {
        command = { name: "doctor", config: readServeConfig({ ...flags, limits: pickLimits(flags) }) };
      },
    )
    .demandCommand(1, "expected a command: serve, init, tenant, membrane, backup, restore or doctor")
    .check(refuseRepeated)
    .strict()
    .version(version)
    .alias({ help: "h", version: "v" })
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new ConfigError(explain(message, words, environment));
    });
  await parser.parseAsync();
  return command;
}

function readData(flags: RawDataFlags & Readonly<Record<string, unknown>>): DataConfig {
  return readDataConfig({ ...flags, limits: pickLimits(flags) });
}

function readId(id: string | undefined): string {
  if (id === undefined) throw new ConfigError("--id: expected the tenant's name, as in --id alice");
  return id;
}

function readDirectory(command: string, directory: string | undefined): string {
  if (directory !== undefined && directory !== "") return directory;
  throw new ConfigError(`${command}: expected a directory, as in ${command} /var/backups/membrane`);
}

function readTenant(tenant: string | undefined): string {
  if (tenant === undefined)
    throw new ConfigError("--tenant: expected the tenant's name, as in --tenant alice");
  return tenant;
}

function readMembrane(id: string | undefined): string {
  if (id === undefined) throw new ConfigError("--id: expected the membrane's name, as in --id mail");
  return id;
}

/** @throws ConfigError */
function refuseActions(environment: NodeJS.ProcessEnv): void {
  const action = Object.keys(environment).find(
    (name) => name.startsWith(PREFIX) && ACTIONS.has(name.slice(PREFIX.length)),
  );
  if (action !== undefined) throw new ConfigError(`${action}: no such variable`);
}

function refuseRepeated(flags: Readonly<Record<string, unknown>>): true {
  for (const [name, value] of Object.entries(flags)) {
    if (name !== "_" && Array.isArray(value) && !LISTS.has(kebab(name))) {
      throw new ConfigError(`--${kebab(name)}: expected once`);
    }
  }
  return true;
}

/** What the parser complains of, with what to do about it. */
function explain(message: string, words: readonly string[], environment: NodeJS.ProcessEnv): string {
  const names = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(", ") ?? [];
  // Where the command is unknown, no variable is known either: the word that was written is what is wrong.
  const unknown = names.find((name) => words.includes(name)) ?? names[0];
  if (unknown === undefined) return `${message}. "membrane --help" shows how`;
  if (words.includes(unknown)) return `${unknown}: no such command. "membrane --help" lists them`;
  const flag = `--${kebab(unknown)}`;
  const isWritten = words.some(
    (word) => word.startsWith("-") && kebab(word.replace(/^-+|=.*/g, "")) === flag.slice(2),
  );
  if (isWritten) return `${flag}: no such flag. "membrane serve --help" lists them`;
  const folded = unknown.replaceAll("-", "").toLowerCase();
  const isItsName = (name: string): boolean =>
    name.startsWith(PREFIX) && name.slice(PREFIX.length).replaceAll("_", "").toLowerCase() === folded;
  const variable = Object.keys(environment).find(isItsName) ?? `${PREFIX}${unknown}`;
  return variable === `${VARIABLES}_NO_TLS`
    ? `${variable}: expected ${VARIABLES}_TLS=false instead`
    : `${variable}: no such variable, it stands for ${flag}, which is no flag. "membrane serve --help" lists them`;
}

type Visibility = "shown" | "hidden";

function jsonFlags(argv: Argv) {
  return serveFlags(argv, "hidden").option("json", {
    type: "boolean",
    default: false,
    describe: "Print JSON",
  });
}

function idFlags(argv: Argv) {
  return jsonFlags(argv).option("id", { type: "string", describe: "The tenant's name, required" });
}

function membraneFlags(argv: Argv) {
  return jsonFlags(argv).option("tenant", { type: "string", describe: "The tenant's name, required" });
}

function revokeFlags(argv: Argv) {
  return membraneFlags(argv).option("id", { type: "string", describe: "The membrane's name, required" });
}

function directoryFlags(argv: Argv) {
  return serveFlags(argv, "hidden").positional("directory", {
    type: "string",
    describe: "That of the backup",
  });
}

function dataFlags(argv: Argv) {
  return argv
    .option("data", {
      type: "string",
      default: "./membrane-data",
      describe: "Directory of the store, its key and certificates",
    })
    .option("service-key-file", {
      type: "string",
      describe: "Where the service key is [default: service.key in --data]",
    })
    .option("authority", {
      type: "string",
      describe:
        "host[:port] in every capability URI: the one that clients reach the service at [default: localhost:PORT]",
    })
    .option("profile", {
      type: "string",
      default: "default",
      describe:
        "Profile of capi that a first start makes, unless there is one of this name; --no-profile: none",
    });
}

function serveFlags(argv: Argv, visibility: Visibility) {
  const hidden = visibility === "hidden";
  const flags = dataFlags(argv)
    .option("listen", { type: "string", default: "127.0.0.1:8443", hidden, describe: "HOST:PORT" })
    .option("authority-alias", {
      type: "string",
      array: true,
      default: [],
      hidden,
      describe: "Further names of this service",
    })
    .option("authority-ca", {
      type: "string",
      array: true,
      default: [],
      hidden,
      describe: "AUTHORITY=FILE: private CA of another authority",
    })
    .option("allow-target", {
      type: "string",
      array: true,
      default: [],
      hidden,
      describe: "CIDR[:PORT],… that targets may be at, beyond public addresses",
    })
    .option("forbid-http-targets", { ...SWITCH, hidden, describe: "Speak to targets over TLS alone" })
    .option("forbid-unverified-targets", {
      ...SWITCH,
      hidden,
      describe: "Check the certificate of every target, whatever its rejectUnauthorized says",
    })
    .option("trust-proxy", {
      type: "string",
      array: true,
      default: [],
      hidden,
      describe: "CIDR,… of proxies in front whose X-Forwarded-For is believed",
    })
    .option("tls", {
      ...SWITCH,
      hidden,
      describe: "--no-tls: plain HTTP, for a proxy in front",
    })
    .option("tls-cert", {
      type: "string",
      hidden,
      describe: "Certificate chain in PEM [default: a private CA in --data]",
    })
    .option("tls-key", { type: "string", hidden, describe: "Its private key in PEM" })
    .option("workers", {
      type: "number",
      default: 1,
      hidden,
      describe: "How many processes serve; each has the limits below for itself",
    })
    .option("log-level", {
      type: "string",
      default: "info",
      hidden,
      describe: `Least severe event that is logged: ${LOG_LEVELS.join(", ")}`,
    });
  return withLimits(flags, hidden);
}

const LIMITS_GROUP = "Limits (bytes, ms):";

/** One flag a limit. */
function withLimits<T>(argv: Argv<T>, hidden: boolean): Argv<T> {
  return LIMIT_NAMES.reduce(
    (all, name) =>
      all.option(kebab(name), {
        type: "number",
        hidden,
        describe: `Limit [default: ${DEFAULT_LIMITS[name]}]`,
        group: LIMITS_GROUP,
      }),
    argv.option("upstream-timeout-ms", {
      type: "number",
      hidden,
      describe:
        "Longest silence of a target: raises answer-timeout-ms and idle-timeout-ms together, unless they are given",
      group: LIMITS_GROUP,
    }),
  );
}

function pickLimits(given: Readonly<Record<string, unknown>>): Partial<Record<keyof Limits, number>> {
  const limits: Partial<Record<keyof Limits, number>> = {};
  for (const name of LIMIT_NAMES) {
    const value = given[name];
    if (typeof value === "number") limits[name] = value;
  }
  return limits;
}
