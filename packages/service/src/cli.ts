import type { Argv } from "yargs";
import yargs from "yargs";
import type { DataConfig, ServeConfig } from "./config.ts";
import { kebab, LOG_LEVELS, readDataConfig, readServeConfig } from "./config.ts";
import type { Limits } from "./limits.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

/** What the command line asks for. */
export type Command =
  | { readonly name: "serve"; readonly config: ServeConfig }
  | { readonly name: "init"; readonly config: DataConfig; readonly json: boolean }
  | {
      readonly name: "tenant create" | "tenant reissue";
      readonly config: DataConfig;
      readonly id: string;
      readonly json: boolean;
    }
  | { readonly name: "tenant list"; readonly config: DataConfig; readonly json: boolean }
  | { readonly name: "doctor"; readonly config: ServeConfig };

const LIMIT_NAMES = Object.keys(DEFAULT_LIMITS).filter(
  (name): name is keyof Limits => name in DEFAULT_LIMITS,
);

/**
 * Reads the command line; every flag can also be a variable, `--allow-target` as `MEMBRANE_ALLOW_TARGET`.
 *
 * @throws ConfigError, or what yargs throws for an unknown command or flag; both messages name it.
 */
export async function readCommandLine(words: readonly string[]): Promise<Command | undefined> {
  let command: Command | undefined;
  const parser = yargs([...words])
    .scriptName("membrane")
    .usage("$0 <command>\n\nHands out capabilities to single HTTP requests, never the keys behind them.")
    .env("MEMBRANE")
    .command("serve", 'Run the service; the first start makes the tenant "default"', serveFlags, (flags) => {
      command = { name: "serve", config: readServeConfig({ ...flags, limits: pickLimits(flags) }) };
    })
    .command("init", "Make what the first start makes, without serving", jsonFlags, (flags) => {
      command = { name: "init", config: readDataConfig(flags), json: flags.json };
    })
    .command("tenant", "Tenants: create, list, reissue", (tenant) =>
      tenant
        .command("create", "Make a tenant and print its capabilities", idFlags, (flags) => {
          command = { name: "tenant create", config: readDataConfig(flags), id: flags.id, json: flags.json };
        })
        .command("list", "List the tenants", jsonFlags, (flags) => {
          command = { name: "tenant list", config: readDataConfig(flags), json: flags.json };
        })
        .command("reissue", "Give a tenant new capabilities when its own are lost", idFlags, (flags) => {
          command = { name: "tenant reissue", config: readDataConfig(flags), id: flags.id, json: flags.json };
        })
        .demandCommand(1, "tenant: expected create, list or reissue"),
    )
    .command("doctor", "Check the machine and the configuration, and say what to do", serveFlags, (flags) => {
      command = { name: "doctor", config: readServeConfig({ ...flags, limits: pickLimits(flags) }) };
    })
    .demandCommand(1, "expected a command: serve, init, tenant or doctor")
    .strict()
    .version(false)
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new Error(message);
    });
  await parser.parseAsync();
  return command;
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
      describe: "host[:port] in every capability URI [default: localhost:PORT]",
    });
}

function jsonFlags(argv: Argv) {
  return dataFlags(argv).option("json", { type: "boolean", default: false, describe: "Print JSON" });
}

function idFlags(argv: Argv) {
  return jsonFlags(argv).option("id", { type: "string", demandOption: true, describe: "The tenant's name" });
}

function serveFlags(argv: Argv) {
  const flags = dataFlags(argv)
    .option("listen", { type: "string", default: "127.0.0.1:8443", describe: "HOST:PORT" })
    .option("authority-alias", {
      type: "string",
      array: true,
      default: [],
      describe: "Further names of this service",
    })
    .option("authority-ca", {
      type: "string",
      array: true,
      default: [],
      describe: "AUTHORITY=FILE: private CA of another authority",
    })
    .option("allow-target", {
      type: "string",
      array: true,
      default: [],
      describe: "CIDR[:PORT],… that targets may be at, beyond public addresses",
    })
    .option("tls", { type: "boolean", default: true, describe: "--no-tls: plain HTTP, for a proxy in front" })
    .option("tls-cert", {
      type: "string",
      describe: "Certificate chain in PEM [default: a private CA in --data]",
    })
    .option("tls-key", { type: "string", describe: "Its private key in PEM" })
    .option("log-level", {
      choices: LOG_LEVELS,
      default: "info" as const,
      describe: "Least severe event that is logged",
    });
  return withLimits(flags);
}

/** One flag a limit. */
function withLimits<T>(argv: Argv<T>): Argv<T> {
  return LIMIT_NAMES.reduce(
    (all, name) =>
      all.option(kebab(name), {
        type: "number",
        describe: `Limit [default: ${DEFAULT_LIMITS[name]}]`,
        group: "Limits (bytes, ms):",
      }),
    argv,
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
