import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Result } from "capability-protocol";
import type { ServiceKeys } from "../../service/src/store/keys.ts";
import { createKeyring } from "../../service/src/store/keys.ts";
import * as lmdb from "../../service/src/store/lmdb/rotation.ts";
import * as postgres from "../../service/src/store/postgres/rotation/unused-store.ts";
import type { DropDenial, Rotated } from "../../service/src/store/rotation/rotate-keys.ts";
import { dropKey, rotateKey } from "../../service/src/store/rotation/rotate-keys.ts";
import type { UnusedStore } from "../../service/src/store/rotation/unused-store.ts";
import { openKeySource, readServiceKeyFile } from "../../service/src/store/service-key-file.ts";
import type { EngineName } from "./engines.ts";
import { engineOfRun } from "./engines.ts";
import { databaseOf } from "./postgres-engine.ts";

/** Uses the store of a data directory that no service serves. */
export async function withUnusedStore<T>(
  data: string,
  keys: ServiceKeys,
  use: (store: UnusedStore) => Promise<T>,
  engine: EngineName = engineOfRun(),
): Promise<T> {
  const directory = join(data, "store");
  return engine === "postgres"
    ? postgres.withUnusedStore(await databaseOf(directory), keys, use)
    : lmdb.withUnusedStore(directory, keys, use);
}

/** Makes the store of a data directory use a new key, as `membrane key rotate` does. */
export async function rotateTestKey(data: string, engine: EngineName = engineOfRun()): Promise<Rotated> {
  const file = join(data, "service.key");
  const source = await openKeySource(file);
  const rotated = await withUnusedStore(
    data,
    createKeyring(source.fileKeys),
    (store) => rotateKey(store, source, randomBytes),
    engine,
  );
  if (!rotated.ok) throw new Error("the store needs too many keys");
  return rotated.value;
}

/** Drops a key, as `membrane key drop` does. */
export async function dropTestKey(
  data: string,
  keyVersion: number,
  forgets: number,
  engine: EngineName = engineOfRun(),
): Promise<Result<void, DropDenial>> {
  const keys = createKeyring(await readServiceKeyFile(join(data, "service.key")));
  return withUnusedStore(data, keys, (store) => dropKey(store, keyVersion, forgets), engine);
}

/** How many capabilities need each key, by its number. A service may serve the store; one over LMDB only in another process. */
export async function testKeyUsage(
  data: string,
  engine: EngineName = engineOfRun(),
): Promise<Readonly<Record<number, number>>> {
  const directory = join(data, "store");
  const keys = createKeyring(await readServiceKeyFile(join(data, "service.key")));
  const { format, usage } =
    engine === "postgres"
      ? await postgres.readKeyUsage(await databaseOf(directory), keys)
      : await lmdb.readKeyUsage(directory, keys);
  return Object.fromEntries(
    format.keys.map(({ keyVersion }) => [keyVersion, usage.get(keyVersion) ?? 0] as const),
  );
}
