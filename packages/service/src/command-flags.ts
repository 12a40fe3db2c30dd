import type { Argv } from "yargs";
import type { ServeFlags } from "./serve-flags.ts";
import { serveFlags } from "./serve-flags.ts";

/* The flags and arguments of each command, with those that every command knows. */

/** Refuses a flag without its value: ignoring it would leave the default. */
const TEXT = { type: "string", requiresArg: true } as const;

/** Texts, if they were given. */
type Given<Name extends string> = { readonly [Each in Name]: string | undefined };

type JsonFlags = ServeFlags & { readonly json: boolean };

export function jsonFlags(argv: Argv): Argv<JsonFlags> {
  return withJson(serveFlags(argv, "hidden"));
}

function withJson<T>(argv: Argv<T>) {
  return argv.option("json", { type: "boolean", default: false, describe: "Print JSON" });
}

export function initFlags(argv: Argv): Argv<JsonFlags> {
  return withJson(serveFlags(argv, "hidden", "shown"));
}

export function idFlags(argv: Argv): Argv<JsonFlags & Given<"id">> {
  return jsonFlags(argv).option("id", { ...TEXT, describe: "The tenant's name, required" });
}

export function membraneFlags(argv: Argv): Argv<JsonFlags & Given<"tenant">> {
  return jsonFlags(argv).option("tenant", { ...TEXT, describe: "The tenant's name, required" });
}

export function revokeFlags(argv: Argv): Argv<JsonFlags & Given<"tenant"> & Given<"id">> {
  return membraneFlags(argv).option("id", { ...TEXT, describe: "The membrane's name, required" });
}

export function leakedFlags(argv: Argv): Argv<JsonFlags & { readonly revoke: boolean | undefined }> {
  return jsonFlags(argv).option("revoke", {
    type: "boolean",
    describe: "Revoke the membranes that end what is alive, without a question; --no-revoke: none",
  });
}

export function dropFlags(argv: Argv): Argv<JsonFlags & Given<"key"> & Given<"forgets">> {
  return jsonFlags(argv)
    .positional("key", { type: "string", describe: "The key's number, as in key status, required" })
    .option("forgets", { ...TEXT, describe: "How many capabilities are forgotten, required" });
}

export function directoryFlags(argv: Argv): Argv<ServeFlags & Given<"directory">> {
  return serveFlags(argv, "hidden").positional("directory", {
    type: "string",
    describe: "Directory of the backup, required",
  });
}

export function verifyFlags(
  argv: Argv,
): Argv<ServeFlags & Given<"since"> & { readonly files: string[] | undefined }> {
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

export function moveFlags(argv: Argv): Argv<ServeFlags & Given<"from"> & Given<"to">> {
  return serveFlags(argv, "hidden")
    .option("from", { ...TEXT, describe: "lmdb:DIR or postgres://…, where the store is, required" })
    .option("to", { ...TEXT, describe: "lmdb:DIR or postgres://…, where there is none yet, required" });
}
