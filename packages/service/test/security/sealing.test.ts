import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { call, expectStatus } from "../../../testkit/src/client.ts";
import { databaseFiles } from "../../../testkit/src/postgres-engine.ts";
import { openRawPostgres } from "../../../testkit/src/raw-postgres.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { createFullStore } from "../../../testkit/src/full-store.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { expectNothingIn, formsOf } from "../support/secret-forms.ts";
import { endFullStore, LOOKUP_OF_CANARIES, useFullStore } from "../support/used-store.ts";

const STORES = ["lmdb", "postgres"] as const;

/** Where a name is found: in each kind of file that a store has, and in a row. */
const PLACES = {
  lmdb: [/^store\/data\.mdb$/],
  postgres: [/\/base\//, /\/pg_wal\//, /^row /],
};

test.each(STORES)(
  "no file of the store and no log line has a token, a target or a credential: while it runs, after the revoke and the sweep, and when it has ended, over %s",
  async (engine) => {
    await using directory = await temporaryDirectory();
    await using target = await startTarget();
    await using service = await startTestService({
      directory: directory.path,
      engine,
      lookup: LOOKUP_OF_CANARIES,
    });
    const made = await createFullStore(service, target.port);
    const forbidden = formsOf(made);
    await useFullStore(service, made);
    expect(target.requests.map(({ url }) => url)).toContain("/canary-path-91aa?canary-query-77c1=1");
    expectNothingIn(await stored(engine, directory.path), forbidden);

    await endFullStore(service, made);
    expectNothingIn(await stored(engine, directory.path), forbidden);
    await service.close();
    expectNothingIn(await stored(engine, directory.path), forbidden);

    const logged = Buffer.from(service.logged());
    expect(logged.includes("managed")).toBe(true);
    expectNothingIn(new Map([["the log", logged]]), forbidden);
  },
);

test.each(STORES)("the scan finds texts in the store: names, which are in clear, over %s", async (engine) => {
  await using directory = await temporaryDirectory();
  await using service = await startTestService({ directory: directory.path, engine });
  expectStatus(await call(service, service.tokens.create, { body: { id: "a name in clear" } }), 201);
  const files = await stored(engine, directory.path);
  const name = new Map([["a name", Buffer.from("a name in clear")]]);
  const places = [...files].filter(([, bytes]) => bytes.includes("a name in clear")).map(([path]) => path);
  for (const place of PLACES[engine]) expect(places).toContainEqual(expect.stringMatching(place));
  expect(() => expectNothingIn(files, name)).toThrow("holds a name");
});

test("a copy of the store without its service key cannot be opened with any token", async () => {
  await using directory = await temporaryDirectory();
  await using copy = await temporaryDirectory();
  await using target = await startTarget();
  await using service = await startTestService({ directory: directory.path });
  await createFullStore(service, target.port);
  await cp(join(directory.path, "store"), join(copy.path, "store"), { recursive: true });
  await expect(startTestService({ directory: copy.path })).rejects.toThrow(
    /holds the service key.*restore it/,
  );
});

/** Returns the bytes of all files in which the store is; of a database also all rows, since its files may be compressed. */
async function stored(engine: (typeof STORES)[number], directory: string): Promise<Map<string, Buffer>> {
  const files = await bytesOf(directory);
  if (engine === "lmdb") return files;
  for (const path of await databaseFiles(join(directory, "store")))
    for (const [name, bytes] of await bytesOf(path)) files.set(`${path}/${name}`, bytes);
  await using raw = await openRawPostgres(directory);
  for (const [place, { table, key, value }] of (await raw.rows()).entries())
    files.set(`row ${place} of ${table}`, Buffer.concat([key, value]));
  return files;
}

/** Reads every file, except that of the service key. */
async function bytesOf(directory: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== "service.key");
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  const read = await Promise.all(
    paths.map(async (path): Promise<[string, Buffer]> => [
      path.slice(directory.length + 1),
      await readFile(path),
    ]),
  );
  return new Map(read);
}
