import type { OpenEngine } from "../../service/src/commands/directory-place.ts";
import { openLmdbEngine } from "../../service/src/store/lmdb/engine.ts";
import { openLateEngine } from "./late-engine.ts";
import { openTestPostgresEngine } from "./postgres-engine.ts";

export type EngineName = "lmdb" | "late" | "postgres";

/** All engines with which the suites of the store run. */
export const ENGINES: Readonly<Record<EngineName, OpenEngine>> = {
  lmdb: openLmdbEngine,
  late: openLateEngine,
  postgres: openTestPostgresEngine,
};

const ALL: readonly EngineName[] = ["lmdb", "late", "postgres"];

/** Returns the engine in the variable `TEST_ENGINE`, with which whole suites can run. Default: LMDB. */
export function engineOfRun(): EngineName {
  const name = process.env["TEST_ENGINE"] ?? "lmdb";
  const engine = ALL.find((known) => known === name);
  if (engine === undefined) throw new Error(`TEST_ENGINE: expected one of ${ALL.join(", ")}`);
  return engine;
}

/** The engines with which the suites of the store run: all, unless the run names one. */
export const ENGINE_NAMES: readonly EngineName[] =
  process.env["TEST_ENGINE"] === undefined ? ALL : [engineOfRun()];
