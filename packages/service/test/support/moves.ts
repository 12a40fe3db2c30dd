import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { parseToken } from "capability-protocol";
import { createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { databaseOf, openNodeEngine, useConnection } from "../../../testkit/src/postgres-engine.ts";
import { openRawPostgres } from "../../../testkit/src/raw-postgres.ts";
import type { RawRecord, RawStore } from "../../../testkit/src/raw-store.ts";
import { openRawLmdb } from "../../../testkit/src/raw-lmdb.ts";
import { runMembrane } from "../../../testkit/src/process.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { ProcessResult } from "../../../testkit/src/run.ts";
import type { ConnectionConfig } from "../../src/store/postgres/config/connection-config.ts";
import { HAS_TABLES } from "../../src/store/postgres/store-presence.ts";
import { migrate } from "../../src/commands/migrate.ts";
import { readDataConfig } from "../../src/config.ts";
import { ConfigError } from "../../src/config-error.ts";
import { readMovePlace } from "../../src/move-place.ts";
import { createKeyring } from "../../src/store/keys.ts";
import { readServiceKeyFile } from "../../src/store/service-key-file.ts";
import type { Row } from "../../src/store/postgres/sql-values.ts";
import { preload } from "./preload.ts";

/** A data directory and the database in which the engine of the same directory has its store. */
export interface TwoPlaces {
  readonly data: string;
  readonly config: ConnectionConfig;
  /** The values of `--from` and `--to`. */
  readonly directory: string;
  readonly database: string;
  /** The variables of a command that connects to the database. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs one statement in the database. */
  query(text: string): Promise<readonly Row[]>;
}

export async function twoPlaces(data: string): Promise<TwoPlaces> {
  const config = await databaseOf(join(data, "store"));
  return {
    data,
    config,
    directory: `lmdb:${data}`,
    database: `postgres://${config.user}@${config.host}:${config.port}/${config.database}`,
    env: { PGPASSWORD: config.password ?? "" },
    query: (text) => useConnection(config, (connection) => connection.query(text)),
  };
}

/** Makes a store in LMDB, with rows in every table that a move copies. */
export async function filledDirectory(path: string): Promise<TwoPlaces> {
  await using service = await startTestService({ directory: path, engine: "lmdb" });
  const { tokens } = service;
  const made = [];
  for (let index = 0; index < 3; index += 1)
    made.push(await createMembrane(service, tokens.create, `m${index}`));
  const target = { uri: "https://target.test/", limits: { maxUses: 9, ttlMs: 86_400_000 } };
  for (const membrane of made) await exportThrough(service, membrane.export, target);
  const revoked = (await service.data.vault.open(parseToken(made[0]!.revoke)!))!.capability;
  // In the store itself: the service would begin to sweep.
  await service.data.store.revoke(revoked.resource!, revoked.uid);
  const head = { writer: "5e".repeat(16), sequence: 7, mac: Buffer.alloc(32, 1), time: 2, startedAt: 1 };
  await service.data.store.moveAuditHead(head);
  return twoPlaces(path);
}

/** The name of a place in messages: without the user. */
export function placeNameOf({ config }: TwoPlaces): string {
  return `postgres://${config.host}:${config.port}/${config.database}`;
}

/** Makes a data directory with the service key of another one. */
export async function directoryWithKey(path: string, keyOf: string): Promise<string> {
  await mkdir(path, { mode: 0o700 });
  await copyFile(join(keyOf, "service.key"), join(path, "service.key"));
  return path;
}

/** Runs `membrane migrate`. */
export function move(
  from: string,
  to: string,
  env: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<ProcessResult> {
  return runMembrane(["migrate", "--from", from, "--to", to, ...flags], env);
}

/** Moves a store as the command does, within this process. @returns the message of the refusal, or nothing. */
export async function refusalOfMove(
  from: string,
  to: string,
  environment: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const origin = { source: "command line", environment } as const;
  const nothing = (): void => undefined;
  try {
    const places = { from: readMovePlace("--from", from, origin), to: readMovePlace("--to", to, origin) };
    const command = { name: "migrate", config: readDataConfig({ data: "none" }), ...places } as const;
    const log = {
      operatorChange: nothing,
      changed: nothing,
      leftoverRemoved: nothing,
      auditStateChanged: nothing,
      auditReopened: nothing,
      fault: nothing,
    };
    await migrate(command, { print: nothing, log, now: new Date() });
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

/**
 * Starts `membrane migrate`, and waits until it has stopped.
 *
 * @param script of a process that stops.
 */
export async function startStoppedMove(
  from: string,
  to: string,
  env: Readonly<Record<string, string>>,
  script: string,
): Promise<{ resume(): Promise<{ readonly code: number | null; readonly stderr: string }> }> {
  const child = spawn(process.execPath, ["bin/membrane.js", "migrate", "--from", from, "--to", to], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: { ...process.env, ...env, ...preload(script) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const errors: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  const ended = once(child, "close");
  await expect
    .poll(() => readFile(`/proc/${child.pid}/stat`, "utf8"), { timeout: 60_000 })
    .toMatch(/^\d+ \(.*\) T /);
  return {
    async resume() {
      child.kill("SIGCONT");
      await ended;
      return { code: child.exitCode, stderr: Buffer.concat(errors).toString() };
    },
  };
}

/** Whether the store in a data directory is served; the reason, if it is not. */
export async function directoryState(data: string): Promise<string> {
  const { code, stderr } = await runMembrane(["tenant", "list", "--data", data]);
  return code === 0 ? "served" : stderr;
}

/** All rows that a move carries, read without the code that moved them, as texts in order. */
export async function movedRows(raw: Promise<RawStore>): Promise<readonly string[]> {
  await using store = await raw;
  const rows = await store.rows();
  return rows.filter(isMoved).map(textOf).toSorted();
}

export const rowsOfDirectory = (data: string): Promise<readonly string[]> => movedRows(openRawLmdb(data));

export const rowsOfDatabase = (data: string): Promise<readonly string[]> => movedRows(openRawPostgres(data));

function isMoved({ table }: RawRecord): boolean {
  return table !== "meta" && table !== "log";
}

function textOf({ table, key, value }: RawRecord): string {
  return `${table} ${key.toString("hex")} ${value.toString("hex")}`;
}

/** The same for the store in a database: also `absent`. */
export async function databaseState({ data, config, query }: TwoPlaces): Promise<string> {
  const [table] = await query(`SELECT ${HAS_TABLES} AS is_there`);
  const rows =
    table?.["is_there"] === true ? await query("SELECT FROM membrane.meta WHERE key = 'format'") : [];
  if (rows.length === 0) return "absent";
  const keys = createKeyring(await readServiceKeyFile(join(data, "service.key")));
  try {
    await (await openNodeEngine(config, { keys, writeTimeoutMs: 10_000 })).close();
    return "served";
  } catch (error) {
    return error instanceof Error ? error.message : "failed";
  }
}
