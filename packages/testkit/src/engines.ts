import type { OpenEngine } from "../../service/src/commands/data-directory.ts";
import { openLmdbEngine } from "../../service/src/store/lmdb/engine.ts";
import { openLateEngine } from "./late-engine.ts";

export type EngineName = "lmdb" | "late";

/** Every engine that the suites of the store run over. */
export const ENGINES: Readonly<Record<EngineName, OpenEngine>> = {
  lmdb: openLmdbEngine,
  late: openLateEngine,
};

export const ENGINE_NAMES: readonly EngineName[] = ["lmdb", "late"];

/** The engine that the variable `TEST_ENGINE` names, so that whole suites run over another one. Default: LMDB. */
export function engineOfRun(): EngineName {
  const name = process.env["TEST_ENGINE"] ?? "lmdb";
  const engine = ENGINE_NAMES.find((known) => known === name);
  if (engine === undefined) throw new Error(`TEST_ENGINE: expected one of ${ENGINE_NAMES.join(", ")}`);
  return engine;
}
