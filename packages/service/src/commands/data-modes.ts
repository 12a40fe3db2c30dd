import { chmod, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config.ts";
import { hasCode } from "../error-code.ts";
import { dataPaths } from "./data.ts";

const GROUP = 0o070;
const OTHERS = 0o007;

/** A part of a data directory that more users can access than should. */
export interface WidePart {
  readonly path: string;
  readonly mode: number;
  /** The mode it should have. */
  readonly wanted: number;
}

/**
 * Finds parts of the data directory that other users can access: a directory that existed before the first start, a copied
 * backup, a volume whose files are readable for a group. Certificates are public.
 */
export async function findWideParts(config: DataConfig): Promise<readonly WidePart[]> {
  const { store, tls, firstCapabilities, serviceKey } = dataPaths(config);
  const files = [
    firstCapabilities,
    ...(await filesIn(store)),
    ...(await filesIn(tls, (name) => !name.endsWith(".pem"))),
  ];
  // The mode of a key in another place is the operator's choice.
  if (config.serviceKeyFile === undefined) files.push(serviceKey);
  const found = await Promise.all([
    ...[store, tls].map((path) => widePart(path, 0o700)),
    ...files.map((path) => widePart(path, 0o600)),
  ]);
  return found.flatMap((part) => part ?? []);
}

/**
 * Removes other users' access to parts of the data directory.
 *
 * @throws ConfigError where others have access and this user may not change that. Access of a group alone is then left:
 *   volumes in Kubernetes belong to a group on purpose.
 * @returns the parts that were changed.
 */
export async function mendModes(config: DataConfig): Promise<readonly WidePart[]> {
  const mended: WidePart[] = [];
  for (const part of await findWideParts(config)) {
    try {
      await chmod(part.path, part.wanted);
      mended.push(part);
    } catch (cause) {
      if ((part.mode & OTHERS) === 0) continue;
      throw new ConfigError(`--data: ${describeWidePart(part)}`, { cause });
    }
  }
  return mended;
}

export function describeWidePart({ path, wanted }: WidePart): string {
  return `other users can reach ${path}: chmod ${wanted.toString(8)} ${path}`;
}

async function widePart(path: string, wanted: number): Promise<WidePart | undefined> {
  const mode = await modeOf(path);
  return mode === undefined || (mode & (GROUP | OTHERS)) === 0 ? undefined : { path, mode, wanted };
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
