import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import { readIfPresent, replaceFile } from "../private-files.ts";

/** What the file says on a node of a database. Where the database is would get old, and its URL may hold a password. */
const POSTGRES = "postgres\n";

/** The files of a data directory that say which engine keeps its store. */
export interface EnginePaths {
  /** The store, if LMDB keeps it. */
  readonly store: string;
  readonly engine: string;
}

type EngineConfig = Pick<DataConfig, "data" | "postgres">;

/**
 * Remembers that the store of a data directory is in PostgreSQL. Without the file the service continues, and the next start writes
 * it: a full disk must not stop a start.
 */
export async function saveEngine({ postgres }: EngineConfig, { engine }: EnginePaths): Promise<void> {
  if (postgres === undefined || (await readIfPresent(engine)) === POSTGRES) return;
  await replaceFile(engine, POSTGRES, 0o644).catch(() => undefined);
}

/** Lets a data directory serve the store in LMDB that was moved or restored into it. */
export async function forgetEngine({ engine }: Pick<EnginePaths, "engine">): Promise<void> {
  await rm(engine, { force: true });
}

/**
 * @throws ConfigError if `--store` was forgotten on a node of a database: it would get an empty store in its directory, or would work
 *   on one in LMDB that is there too.
 */
export function checkEngine(config: EngineConfig, paths: EnginePaths): void {
  const { data, postgres } = config;
  if (postgres !== undefined) return;
  // In a directory that this user may not read there seems to be none, and what is wrong is found later.
  if (!existsSync(paths.engine)) return;
  const otherwise = existsSync(paths.store)
    ? `to use ${paths.store} in LMDB instead, remove the file ${paths.engine}`
    : "for a new store in LMDB, name another directory with --data";
  throw new ConfigError(
    `--store: the store of ${data} is in PostgreSQL, and nothing names its database: give its URL in --store, or in the variable MEMBRANE_STORE; ${otherwise}`,
  );
}

/**
 * @throws ConfigError if a database without a store is to get one, while the data directory has one: its tenants would seem lost.
 *   The store of a directory that was moved to the database stays there, and the database has one then.
 */
export function checkNewStore({ data, postgres }: EngineConfig, { store }: EnginePaths): void {
  if (postgres === undefined || !existsSync(store)) return;
  throw new ConfigError(
    `--store: the database ${postgres.settings.database} has no store, and ${data} has one in LMDB: move it with "membrane migrate --from lmdb:${data} --to postgres://…", or name another directory with --data`,
  );
}
