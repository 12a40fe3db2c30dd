import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import type { ServeConfig } from "../../config.ts";
import { hasCode } from "../../error-code.ts";
import type { ServiceKeys } from "../../store/keys.ts";
import { findDirectoryProblem } from "../data-directory-checks.ts";
import { describeExposedPath, findExposedPaths } from "../data-directory-modes.ts";
import { dataPaths, openDataDirectory, storePlace } from "../data-directory.ts";
import { checkEngine, checkNewStore } from "../store-engine.ts";
import type { Finding } from "./finding.ts";
import { messageOf } from "./finding.ts";

/** Finds a data directory that this user may not read: every other check of it would be wrong. */
export async function findAccessProblem(config: ServeConfig): Promise<string | undefined> {
  try {
    await stat(dataPaths(config).store);
    return undefined;
  } catch (error) {
    return hasCode(error, "EACCES") ? findDirectoryProblem(config.data, dataPaths(config)) : undefined;
  }
}

export async function checkModes(config: ServeConfig): Promise<Finding> {
  const { serviceKey } = dataPaths(config);
  if (!existsSync(config.data))
    return { ok: true, what: `data directory: ${config.data}: none yet, the first start makes it` };
  // The key has a check for itself.
  const wide = (await findExposedPaths(config)).filter(({ path }) => path !== serviceKey);
  const [first] = wide;
  if (first === undefined) return { ok: true, what: `data directory: ${config.data}, closed to other users` };
  return {
    ok: false,
    what: `data directory: ${describeExposedPath(first)}${wide.length > 1 ? `; and ${wide.length - 1} more` : ""}; the next start closes it`,
  };
}

export function checkFirstCapabilities(config: ServeConfig): readonly Finding[] {
  const { firstCapabilities: file } = dataPaths(config);
  if (!existsSync(file)) return [];
  const what = `first capabilities: ${file} holds those of the first tenant and the operator's: move it to a safe place`;
  return [{ ok: true, isWarning: true, what }];
}

export async function checkKey(config: ServeConfig): Promise<Finding> {
  const { serviceKey } = dataPaths(config);
  if (!existsSync(serviceKey)) {
    const ok = !(await hasStore(config));
    const from = config.postgres === undefined ? "restore it" : "copy it from another node, or restore it";
    return {
      ok,
      what: ok
        ? `service key: none yet, the first start makes ${serviceKey}`
        : `service key: ${serviceKey} is missing, without it the store cannot be opened: ${from} from its backup`,
    };
  }
  const { mode } = await stat(serviceKey);
  const ok = (mode & 0o077) === 0;
  return {
    ok,
    what: ok ? `service key: ${serviceKey}` : `service key: others can read it: chmod 600 ${serviceKey}`,
  };
}

/** A database that cannot be asked has a check for itself. */
async function hasStore(config: ServeConfig): Promise<boolean> {
  try {
    return await storePlace(config).exists();
  } catch {
    return false;
  }
}

/** @returns also the keys of a store that opens. */
export async function checkStore(
  config: ServeConfig,
): Promise<{ readonly finding: Finding; readonly keys?: ServiceKeys }> {
  const paths = dataPaths(config);
  const problem = await findDirectoryProblem(config.data, paths);
  if (problem !== undefined) return { finding: { ok: false, what: `store: ${problem}` } };
  const place = storePlace(config);
  try {
    checkEngine(config, paths);
    if (!(await place.exists())) {
      checkNewStore(config, paths);
      return {
        finding: { ok: true, what: `store: none yet, the first start makes one in ${place.name}` },
      };
    }
    const data = await openDataDirectory(config, { keepsDirectory: false });
    const tenants = await data.store.tenants();
    await data.store.close();
    const { keys } = data;
    const { older } = keys;
    const needs =
      older.length === 0
        ? ""
        : `, which needs ${older.length} older service key(s) ("membrane key status" counts what needs them)`;
    return { finding: { ok: true, what: `store: ${place.name}, ${tenants.length} tenant(s)${needs}` }, keys };
  } catch (error) {
    return { finding: { ok: false, what: `store: ${messageOf(error)}` } };
  }
}
