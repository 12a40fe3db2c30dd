import { chown, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMembrane } from "../../../testkit/src/client.ts";
import { rewriteRecord } from "../../../testkit/src/changed-records.ts";
import { useConnection } from "../../../testkit/src/postgres-engine.ts";
import { connectionTo, postgresServer } from "../../../testkit/src/postgres-server.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { mountSmallDisk } from "../../../testkit/src/small-disk.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { createKeyring } from "../../src/store/keys.ts";
import { readServiceKeyFile } from "../../src/store/service-key-file.ts";
import { readStoreFormat } from "../../src/store/postgres/transfer/arriving-store.ts";
import type { TwoPlaces } from "../support/moves.ts";
import {
  databaseState,
  directoryState,
  directoryWithKey,
  filledDirectory,
  refusalOfMove,
  rowsOfDatabase,
  rowsOfDirectory,
  startStoppedMove,
  twoPlaces,
} from "../support/moves.ts";
import { signalAtStatement } from "../support/preload.ts";

/* What the database does to a move: it loses its connection, or has no room. */

/** Ends all connections to the database. */
const endConnections = ({ query }: TwoPlaces) =>
  query(`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`);

test("a move that loses its connection while it copies changes nothing, and succeeds when it is repeated", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDirectory(join(directory.path, "data"));
  const rows = await rowsOfDirectory(places.data);
  const script = signalAtStatement("ANALYZE", { signal: "SIGSTOP" });
  const moving = await startStoppedMove(places.directory, places.database, places.env, script);
  await endConnections(places);
  expect(await moving.resume()).toMatchObject({
    code: 1,
    // The server's system resets a connection on which it has bytes that were not read.
    stderr: expect.stringMatching(/^membrane: --to: .* \((?:CONNECTION_CLOSED|ECONNRESET|57P01)\)\n$/),
  });
  expect(await directoryState(places.data)).toBe("served");
  expect(await databaseState(places)).toBe("absent");
  expect(await refusalOfMove(places.directory, places.database, places.env)).toBeUndefined();
  expect(await rowsOfDatabase(places.data)).toEqual(rows);
});

test("a move that loses its connection before the copy is released says so, no node makes a store there, and the next one finishes it", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDirectory(join(directory.path, "data"));
  const script = signalAtStatement("UPDATE membrane.meta", { signal: "SIGSTOP" });
  const moving = await startStoppedMove(places.directory, places.database, places.env, script);
  await endConnections(places);
  expect(await moving.resume()).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^membrane: --to: .* \(the move was not finished: repeat it with the same flags\)\n$/,
    ),
  });
  expect(await directoryState(places.data)).toMatch(/was not finished: repeat "membrane migrate"/);
  expect(await databaseState(places)).toMatch(/^a move of a store to this place was not finished/);
  expect(await refusalOfMove(places.directory, places.database, places.env)).toBeUndefined();
  expect(await databaseState(places)).toBe("served");
});

test("a move that loses its connection at the commit that closes its source says that it was not finished, and the next one finishes it", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDirectory(join(directory.path, "data"));
  expect(await refusalOfMove(places.directory, places.database, places.env)).toBeUndefined();
  const to = await directoryWithKey(join(directory.path, "to"), places.data);
  const script = signalAtStatement("COMMIT", { afterText: "ALTER TABLE", signal: "SIGSTOP" });
  const moving = await startStoppedMove(places.database, `lmdb:${to}`, places.env, script);
  await endConnections(places);
  expect(await moving.resume()).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^membrane: --from: .* \(the move was not finished: repeat it with the same flags\)\n$/,
    ),
  });
  expect(await refusalOfMove(places.database, `lmdb:${to}`, places.env)).toBeUndefined();
  expect(await directoryState(to)).toBe("served");
});

test("a server without room stops a move, and the move succeeds when there is room", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDirectory(join(directory.path, "data"));
  await using disk = await mountSmallDisk(24);
  const { uid, gid } = await stat((await postgresServer()).directory);
  const location = join(disk.path, "tablespace");
  await mkdir(location);
  await chown(location, uid, gid);
  const { database } = places.config;
  const administer = async (...statements: readonly string[]) =>
    useConnection(await connectionTo("postgres"), async (connection) => {
      for (const statement of statements) await connection.query(statement);
    });
  await administer(
    `CREATE TABLESPACE small LOCATION '${location}'`,
    `ALTER DATABASE ${database} SET TABLESPACE small`,
  );
  try {
    const keys = createKeyring(await readServiceKeyFile(join(places.data, "service.key")));
    expect(await readStoreFormat(places.config, keys)).toBeUndefined();
    disk.fill();
    expect(await refusalOfMove(places.directory, places.database, places.env)).toBe(
      "--to: the disk of the server is full: free some space",
    );
    expect(await databaseState(places)).toBe("absent");
    expect(await directoryState(places.data)).toBe("served");
    await disk.empty();
    expect(await refusalOfMove(places.directory, places.database, places.env)).toBeUndefined();
    expect(await databaseState(places)).toBe("served");
  } finally {
    await administer(`DROP DATABASE ${database} WITH (FORCE)`, "DROP TABLESPACE small");
  }
});

test("a record of a newer program stops a move to PostgreSQL, which could not repeat what it points to", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  {
    await using service = await startTestService({ directory: data, engine: "lmdb" });
    await createMembrane(service, service.tokens.create, "m");
    const [tenant] = await service.data.store.tenants();
    await rewriteRecord(service, tenant!.uid, ([, ...rest]) => [Buffer.from([9]), ...rest]);
  }
  const places = await twoPlaces(data);
  expect(await refusalOfMove(places.directory, places.database, places.env)).toBe(
    "--to: a newer program wrote a record: use that one, or a newer one, to move the store",
  );
  expect(await databaseState(places)).toBe("absent");
});
