import { constants } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { errorCode } from "../error-code.ts";
import { lmdbErrorCode } from "../store/lmdb/lmdb-errors.ts";
import { ERRNO_ADVICE, explainCode } from "./system-error.ts";
import { StoreFailedError, StoreFullError } from "../store/store.ts";

/** What a data directory may hold before it has a store: other parts of it, and what a new volume holds. */
const OWN_NAMES = /^(?:\..*|service\.key|tls|authority|engine|first-capabilities\.json|lost\+found|.*\.tmp)$/;

/**
 * Checks where a data directory is, or will be made, before anything is written there.
 *
 * @param paths the data directory, its store, and a service key that may be in it under any name.
 * @returns why it cannot be there and what to do, or nothing.
 */
export async function findDirectoryProblem(
  data: string,
  paths: { readonly store: string; readonly serviceKey: string },
): Promise<string | undefined> {
  const existing = await nearestExisting(resolve(data));
  if (!existing.isDirectory) return `${existing.path} is a file: expected a directory`;
  const denied = await access(existing.path, constants.W_OK | constants.X_OK).catch(codeOf);
  if (denied !== undefined) return `${existing.path} ${explainCode(denied)}`;
  if (existing.path !== resolve(data)) return undefined;
  const store = await stat(paths.store).catch(() => undefined);
  if (store !== undefined)
    return store.isDirectory() ? undefined : `${paths.store} is a file: it is no store`;
  const names = await readdir(data);
  const other = names.find(
    (name) => !OWN_NAMES.test(name) && resolve(data, name) !== resolve(paths.serviceKey),
  );
  return other === undefined
    ? undefined
    : `${data} has no store and holds something else (${other}): name a directory that is empty, or is not there yet`;
}

/** Explains an error from opening the store, with what to do about it. */
export function explainOpenError(store: string, error: unknown): string {
  const code = codeOf(error);
  if (code !== undefined) return `${store} ${explainCode(code)}`;
  return `${store} cannot be opened: ${error instanceof Error ? error.message : "unknown"}`;
}

/** Explains an error from writing a copy of a store, with what to do about it. */
export function explainWriting(place: string, error: unknown): string {
  // The store's errors have the system's code as their message.
  const isOfStore = error instanceof StoreFullError || error instanceof StoreFailedError;
  const code = isOfStore ? error.message : (codeOf(error) ?? "for an unknown reason");
  return `${place} ${explainCode(code)}`;
}

/** The longest part of a path that exists. */
async function nearestExisting(
  path: string,
): Promise<{ readonly path: string; readonly isDirectory: boolean }> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined) return { path, isDirectory: found.isDirectory() };
  const above = dirname(path);
  return above === path ? { path, isDirectory: true } : nearestExisting(above);
}

/** An error of LMDB has a number, which the operating system names; one without advice is explained by its message. */
function codeOf(error: unknown): string | undefined {
  const name = lmdbErrorCode(error);
  if (name === undefined) return errorCode(error);
  return Object.hasOwn(ERRNO_ADVICE, name) ? name : undefined;
}
