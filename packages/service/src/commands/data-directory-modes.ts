import { chmod, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import { hasCode } from "../error-code.ts";
import { dataPaths } from "./data-directory.ts";

const GROUP = 0o070;
const OTHER_USERS = 0o007;

/** A part of a data directory that more users can access than should. */
export interface ExposedPath {
  readonly path: string;
  readonly mode: number;
  /** The mode it should have. */
  readonly expectedMode: number;
}

/**
 * Finds parts of the data directory that other users can access: a directory that existed before the first start, a copied
 * backup, a volume whose files are readable for a group. Certificates are public.
 */
export async function findExposedPaths(config: DataConfig): Promise<readonly ExposedPath[]> {
  const { store, tls, firstCapabilities, serviceKey } = dataPaths(config);
  const files = [
    firstCapabilities,
    ...(await filesIn(store)),
    ...(await filesIn(tls, (name) => !name.endsWith(".pem"))),
  ];
  // The mode of a key in another place is the operator's choice.
  if (config.serviceKeyFile === undefined) files.push(serviceKey);
  const found = await Promise.all([
    ...[store, tls].map((path) => checkMode(path, 0o700)),
    ...files.map((path) => checkMode(path, 0o600)),
  ]);
  return found.flatMap((part) => part ?? []);
}

/**
 * Removes other users' access to parts of the data directory. Call it when the store is open: before that, the files may be
 * another program's.
 *
 * @throws ConfigError where others have access and this user may not change that. Access of a group alone is then left:
 *   volumes in Kubernetes belong to a group on purpose.
 * @returns the parts that were changed.
 */
export async function repairModes(config: DataConfig): Promise<readonly ExposedPath[]> {
  const repaired: ExposedPath[] = [];
  for (const part of await findExposedPaths(config)) {
    try {
      await chmod(part.path, part.expectedMode);
      repaired.push(part);
    } catch (cause) {
      if ((part.mode & OTHER_USERS) === 0) continue;
      throw new ConfigError(`--data: ${describeExposedPath(part)}`, { cause });
    }
  }
  return repaired;
}

export function describeExposedPath({ path, expectedMode }: ExposedPath): string {
  return `other users can reach ${path}: chmod ${expectedMode.toString(8)} ${path}`;
}

async function checkMode(path: string, expectedMode: number): Promise<ExposedPath | undefined> {
  const mode = await modeOf(path);
  return mode === undefined || (mode & (GROUP | OTHER_USERS)) === 0
    ? undefined
    : { path, mode, expectedMode };
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function filesIn(directory: string, isPrivate = (_name: string): boolean => true): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && isPrivate(entry.name))
      .map(({ name }) => join(directory, name));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** A file in place of a directory is reported when the store is opened. */
function isAbsent(error: unknown): boolean {
  return hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR");
}
