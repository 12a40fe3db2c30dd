import { existsSync, lstatSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError } from "../config-error.ts";
import type { MovePlace } from "../move-place.ts";
import { makePrivateDirectory, syncDirectory } from "../private-files.ts";
import type { ServiceKeys } from "../store/keys.ts";
import type { DepartingStore, Destination } from "../store/transfer/move-store.ts";
import { PlaceTakenError } from "../store/transfer/move-store.ts";
import { checkDataDirectory, dataPaths } from "./data-directory.ts";
import { explainDestination, explainPlaceError } from "./move-errors.ts";
import { makeStagedStore, removeAbandonedStores } from "./staged-store.ts";

/** For messages, and to recognize the place when a move is repeated: without a user or a password. */
export function placeName(place: MovePlace): string {
  if (place.engine === "lmdb") return `lmdb:${resolve(place.data)}`;
  const { host, port, database } = place.settings;
  return `postgres://${host.includes(":") ? `[${host}]` : encodeURIComponent(host)}:${port}/${encodeURIComponent(database)}`;
}

/** @throws ConfigError if the data directory of `--from` has no store. */
export function assertStoreIn(data: string): void {
  if (!existsSync(dataPaths({ data }).store)) throw new ConfigError(`--from: there is no store in ${data}`);
}

type PostgresPlace = Extract<MovePlace, { engine: "postgres" }>;

/** Lets `use` read a store that is to be moved away, while no process can open or change it. */
export async function withSource<T>(
  place: MovePlace,
  keys: ServiceKeys,
  use: (source: DepartingStore) => Promise<T>,
): Promise<T> {
  try {
    return await (place.engine === "lmdb"
      ? withSourceDirectory(place.data, keys, use)
      : withSourceDatabase(place, keys, use));
  } catch (error) {
    throw explainPlaceError("--from", place, error);
  }
}

async function withSourceDirectory<T>(
  data: string,
  keys: ServiceKeys,
  use: (source: DepartingStore) => Promise<T>,
): Promise<T> {
  const { store } = dataPaths({ data });
  const { withDepartingStore } = await import("../store/lmdb/move.ts");
  return withDepartingStore(store, keys, use);
}

async function withSourceDatabase<T>(
  place: PostgresPlace,
  keys: ServiceKeys,
  use: (source: DepartingStore) => Promise<T>,
): Promise<T> {
  const connection = await connectionOf("--from", place);
  const { withDepartingStore } = await import("../store/postgres/transfer/departing-store.ts");
  return withDepartingStore(connection, keys, use);
}

/** What the destination needs of its process. */
export interface DestinationContext {
  readonly serviceKeyFile?: string | undefined;
  readonly now: Date;
  /** Called with each copy that was removed which a killed process has left. */
  readonly onRemoved: (path: string) => void;
}

/** Prepares where a store is moved to. Its errors name `--to`. */
export async function openDestination(
  place: MovePlace,
  keys: ServiceKeys,
  context: DestinationContext,
): Promise<Destination> {
  const destination =
    place.engine === "lmdb"
      ? await directoryDestination(place.data, keys, context)
      : await databaseDestination(place, keys);
  return explainDestination(place, { place: placeName(place), ...destination });
}

async function directoryDestination(
  data: string,
  keys: ServiceKeys,
  { now, onRemoved, serviceKeyFile }: DestinationContext,
): Promise<Omit<Destination, "place">> {
  const paths = { data, ...(serviceKeyFile === undefined ? {} : { serviceKeyFile }) };
  const { store } = dataPaths(paths);
  await checkDataDirectory(paths, "--to");
  const { readStoreFormat, releaseStore, withArrivingStore } = await import("../store/lmdb/move.ts");
  return {
    readFormat: async () => (isTaken(store) ? readStoreFormat(store, keys) : undefined),
    release: (move) => releaseStore(store, keys, move),
    async discard() {
      const removed = await makeStagedStore(data);
      await rename(store, removed);
      await rm(removed, { recursive: true, force: true });
    },
    async receive(format, fill) {
      await makePrivateDirectory(data);
      // First: an abandoned copy takes as much space as the new one needs.
      (await removeAbandonedStores(data, now)).forEach(onRemoved);
      const directory = await makeStagedStore(data);
      const staged = {
        directory,
        assertFree() {
          if (isTaken(store)) throw new PlaceTakenError();
        },
        async place() {
          await rename(directory, store);
          await syncDirectory(data);
        },
      };
      try {
        return await withArrivingStore(staged, format, keys, fill);
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  };
}

async function databaseDestination(
  place: PostgresPlace,
  keys: ServiceKeys,
): Promise<Omit<Destination, "place">> {
  const connection = await connectionOf("--to", place);
  const { discardStore, readStoreFormat, releaseStore, withArrivingStore } =
    await import("../store/postgres/transfer/arriving-store.ts");
  return {
    readFormat: () => readStoreFormat(connection, keys),
    receive: (format, fill) => withArrivingStore(connection, format, keys, fill),
    release: (move) => releaseStore(connection, keys, move),
    discard: (copy) => discardStore(connection, keys, copy),
  };
}

async function connectionOf(flag: "--from" | "--to", { settings }: PostgresPlace) {
  const { readConnectionFiles } = await import("../store/postgres/config/connection-files.ts");
  const connection = await readConnectionFiles(settings);
  if (!connection.ok) throw new ConfigError(`${flag}: ${connection.error}`);
  return connection.value;
}

/** Whether the name is taken, also by a link that leads nowhere. */
function isTaken(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
