import { ConfigError } from "./config-error.ts";
import type { StoreOrigin } from "./store-config.ts";
import { readDatabase } from "./store-config.ts";
import type { ConnectionSettings } from "./store/postgres/config/connection-settings.ts";

/** Where a store is, or is to be. */
export type MovePlace =
  | { readonly engine: "lmdb"; readonly data: string }
  | { readonly engine: "postgres"; readonly settings: ConnectionSettings };

const DIRECTORY = /^lmdb:(.+)$/s;

/**
 * Reads `--from` and `--to` of `membrane migrate`.
 *
 * @throws ConfigError without any part of the value, which may hold a password.
 */
export function readMovePlace(
  flag: "--from" | "--to",
  text: string | undefined,
  origin: StoreOrigin,
): MovePlace {
  const data = DIRECTORY.exec(text ?? "")?.[1];
  if (data !== undefined) return { engine: "lmdb", data };
  const settings = readDatabase(flag, text ?? "", origin);
  if (settings !== undefined) return { engine: "postgres", settings };
  throw new ConfigError(
    `${flag}: expected lmdb:DIR with a data directory, or postgres://…, as in lmdb:/var/lib/membrane or postgres://membrane@db.example/membrane`,
  );
}
