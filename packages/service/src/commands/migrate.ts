import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "../command.ts";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import type { MovePlace } from "../move-place.ts";
import { postgresConfig } from "../store-config.ts";
import type { ServiceKeys } from "../store/keys.ts";
import { createKeyring } from "../store/keys.ts";
import { TABLE_NAMES } from "../store/postgres/transfer/table-names.ts";
import { readServiceKeyFile } from "../store/service-key-file.ts";
import type { MoveProgress, MoveResult } from "../store/transfer/move-store.ts";
import { moveStore } from "../store/transfer/move-store.ts";
import type { TableDigests } from "../store/transfer/table-digest.ts";
import { totalDigest } from "../store/transfer/table-digest.ts";
import { dataPaths } from "./data-directory.ts";
import { assertStoreIn, openDestination, placeName, withSource } from "./move-places.ts";
import type { OperatorProcess } from "./operator.ts";
import { recordCommand } from "./operator.ts";
import type { Print } from "./print.ts";
import { checkAuditFile } from "./process-audit.ts";
import { forgetEngine } from "./store-engine.ts";

type MigrateCommand = Extract<Command, { name: "migrate" }>;

const MOVE_ID_BYTES = 16;

/**
 * Moves a store from one engine to another, or to another place of the same engine.
 *
 * @throws ConfigError that names the flag of the place where something is wrong.
 */
export async function migrate(
  command: MigrateCommand,
  { print, log, now }: OperatorProcess & { readonly now: Date },
): Promise<void> {
  const { from, to } = command;
  checkAuditFile(command.config);
  if (placeName(from) === placeName(to)) throw new ConfigError("--to: expected another place than --from");
  // Before the service key, which is missing too where the directory is a wrong one.
  if (from.engine === "lmdb") assertStoreIn(from.data);
  const keys = await readKeys(command);
  const destination = await openDestination(to, keys, {
    now,
    serviceKeyFile: command.config.serviceKeyFile,
    onRemoved: (path) => log.leftoverRemoved({ path }),
  });
  print(`Moving the store from ${placeName(from)} to ${placeName(to)}.`);
  const options = {
    keys,
    newMoveId: () => randomBytes(MOVE_ID_BYTES).toString("hex"),
    onProgress: createProgressReport({ copied: from, verified: to }, print),
  };
  const result = await withSource(from, keys, (source) => moveStore(source, destination, options));
  if (to.engine === "lmdb") await forgetEngine(dataPaths(to));
  log.operatorChange({ command: "migrate" });
  // In the store that is served from now on.
  await recordCommand(configOf(command), { command: "migrate", log });
  report(result, print);
  print(
    `The store is at ${placeName(to)} now. Serve that one: the one at ${placeName(from)} is kept, and is`,
  );
  print("refused by every command. Delete it when you have a backup.");
  if (to.engine === "lmdb" && !existsSync(dataPaths(to).serviceKey))
    print(
      `The service key stays where it is: copy ${serviceKeyPath(command)} to ${dataPaths(to).serviceKey}.`,
    );
}

/** How the commands on the store are configured at its new place. */
function configOf(command: MigrateCommand): DataConfig {
  const { to, config } = command;
  const { postgres: _, ...others } = config;
  const serviceKeyFile = serviceKeyPath(command);
  return to.engine === "lmdb"
    ? { ...others, data: to.data, serviceKeyFile }
    : { ...others, postgres: postgresConfig(to.settings, config.limits), serviceKeyFile };
}

/** The key is the same in both places, and is not moved. */
async function readKeys(command: MigrateCommand): Promise<ServiceKeys> {
  return createKeyring(await readServiceKeyFile(serviceKeyPath(command)));
}

function serviceKeyPath({ from, to, config }: MigrateCommand): string {
  const directory = [from, to].find((place) => place.engine === "lmdb")?.data ?? config.data;
  return resolve(config.serviceKeyFile ?? join(directory, "service.key"));
}

/** This many rows of a table are copied or verified between two lines. */
const ROWS_PER_LINE = 100_000;

/** Names each table as the engine does that it is read from. */
function createProgressReport(
  readFrom: Readonly<Record<MoveProgress["step"], MovePlace>>,
  print: Print,
): (progress: MoveProgress) => void {
  let printed = 0;
  return ({ step, table, rows, isWhole }) => {
    if (!isWhole && rows - printed < ROWS_PER_LINE) return;
    printed = isWhole ? 0 : rows;
    const name = readFrom[step].engine === "postgres" ? TABLE_NAMES[table] : table;
    print(`${step.padEnd(9)} ${name.padEnd(9)} ${formatRows(rows)}${isWhole ? "" : " so far"}`);
  };
}

function report(result: MoveResult, print: Print): void {
  if (result.type === "finished") {
    print("An earlier attempt had moved all of it, and was ended before it could say so.");
    return;
  }
  print(`source    ${describe(result.source)}`);
  print(`copy      ${describe(result.copy)}`);
}

function describe(tables: TableDigests): string {
  const { rows, sha256 } = totalDigest(tables);
  return `${formatRows(rows)}, SHA-256 ${sha256}`;
}

function formatRows(rows: number): string {
  return `${rows.toLocaleString("en-US")} rows`;
}
