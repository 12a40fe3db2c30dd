import { StoreFormatError } from "../store.ts";
import type { Connection } from "./connection.ts";

export const IS_STANDBY = "the server is a standby, which cannot write: name the primary";

/** What a server says of itself. */
export interface ServerFacts {
  /** `server_version_num`: 140005 is 14.5. */
  readonly version: number;
  readonly fsync: string;
  readonly fullPageWrites: string;
  readonly isStandby: boolean;
}

const MIN_VERSION = 140_000;

const FACTS = `
  SELECT current_setting('server_version_num')::int AS version,
         current_setting('fsync') AS fsync,
         current_setting('full_page_writes') AS full_page_writes,
         pg_is_in_recovery() AS is_standby`;

/**
 * @throws StoreFormatError if the server is too old, a standby, or set up so that it loses what it has acknowledged when the
 *   machine crashes.
 */
export async function checkServer(connection: Connection): Promise<void> {
  const problem = serverProblem(await readServerFacts(connection));
  if (problem !== undefined) throw new StoreFormatError(problem);
}

export async function readServerFacts(connection: Connection): Promise<ServerFacts> {
  const [row] = await connection.query(FACTS);
  return {
    version: Number(row?.["version"]),
    fsync: String(row?.["fsync"]),
    fullPageWrites: String(row?.["full_page_writes"]),
    isStandby: row?.["is_standby"] === true,
  };
}

/** Decides whether acknowledged writes are safe on a server. @returns what is wrong, and what to do. */
export function serverProblem({
  version,
  fsync,
  fullPageWrites,
  isStandby,
}: ServerFacts): string | undefined {
  if (!(version >= MIN_VERSION))
    return `the server has PostgreSQL ${Math.floor(version / 10_000)}: use version 14 or newer`;
  if (fsync !== "on") return "the server has fsync off, and would lose acknowledged revokes: turn it on";
  if (fullPageWrites !== "on")
    return "the server has full_page_writes off, and a crash could damage its tables: turn it on";
  if (isStandby) return IS_STANDBY;
  return undefined;
}
