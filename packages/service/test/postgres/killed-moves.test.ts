import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startTestService } from "../../../testkit/src/service.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { TwoPlaces } from "../support/moves.ts";
import { preload, signalAtStatement } from "../support/preload.ts";
import {
  databaseState,
  directoryState,
  directoryWithKey,
  filledDirectory,
  move,
  refusalOfMove,
  rowsOfDatabase,
  rowsOfDirectory,
} from "../support/moves.ts";

/* A move that is killed leaves one store that is served, or none until it is repeated. It never leaves two, or a part of one. */

/** Makes JavaScript that kills the process when it gives the copy its name, or when it has. */
function killAtRename({ isDone }: { readonly isDone: boolean }): string {
  return `
    import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    const original = fs.promises.rename;
    fs.promises.rename = async (...args) => {
      if (${isDone}) await original(...args);
      process.kill(process.pid, "SIGKILL");
    };
    syncBuiltinESMExports();`;
}

async function killedMove(from: string, to: string, { env }: TwoPlaces, script: string): Promise<void> {
  const { code, stderr } = await move(from, to, { ...env, ...preload(script) });
  expect(code, stderr).toBeNull();
}

const UNFINISHED = /^(?:membrane: )?a move of the store to .* was not finished: repeat "membrane migrate"/;
const RESERVED =
  /^(?:membrane: )?a move of a store to this place was not finished: repeat "membrane migrate"/;

const TO_DATABASE: readonly (readonly [when: string, script: string, source: RegExp, database: RegExp])[] = [
  ["while it copies", signalAtStatement("INSERT INTO membrane.child"), /^served$/, /^absent$/],
  ["when all is copied and verified", signalAtStatement("ANALYZE"), /^served$/, /^absent$/],
  [
    "before the copy is committed",
    signalAtStatement("COMMIT", { afterText: "ANALYZE" }),
    /^served$/,
    /^absent$/,
  ],
  [
    "when the copy is reserved and the source not closed",
    signalAtStatement("COMMIT", { afterText: "ANALYZE", isSent: true }),
    /^served$/,
    RESERVED,
  ],
  [
    "when the source is closed and the copy not released",
    signalAtStatement("UPDATE membrane.meta"),
    UNFINISHED,
    RESERVED,
  ],
  [
    "when the copy is released, before it knows",
    signalAtStatement("COMMIT", { afterText: "UPDATE membrane.meta", isSent: true }),
    UNFINISHED,
    /^served$/,
  ],
];

test.each(TO_DATABASE)(
  "a move to PostgreSQL that is killed %s leaves one store at most, and is finished by the next",
  async (_when, script, source, database) => {
    await using directory = await temporaryDirectory();
    const places = await filledDirectory(join(directory.path, "data"));
    const rows = await rowsOfDirectory(places.data);
    await killedMove(places.directory, places.database, places, script);
    expect(await directoryState(places.data)).toMatch(source);
    expect(await databaseState(places)).toMatch(database);
    expect(await refusalOfMove(places.directory, places.database, places.env)).toBeUndefined();
    expect(await rowsOfDatabase(places.data)).toEqual(rows);
    expect(await databaseState(places)).toBe("served");
    expect(await directoryState(places.data)).toMatch(/the store was moved to postgres:/);
  },
);

const TO_DIRECTORY: readonly (readonly [when: string, script: string, source: RegExp, directory: RegExp])[] =
  [
    ["while it copies", signalAtStatement("FETCH", { skip: 4 }), /^served$/, /there is no store/],
    ["before the source is closed", signalAtStatement("ALTER TABLE"), /^served$/, RESERVED],
    ["when the copy has no name", killAtRename({ isDone: false }), /^served$/, /there is no store/],
    ["when the copy has its name", killAtRename({ isDone: true }), /^served$/, RESERVED],
    [
      "when the source is closed and the copy not released",
      signalAtStatement("COMMIT", { afterText: "UPDATE membrane.meta", isSent: true }),
      UNFINISHED,
      RESERVED,
    ],
    [
      "when the copy is released, before the source knows",
      signalAtStatement("BEGIN", { afterText: "UPDATE membrane.meta" }),
      UNFINISHED,
      /^served$/,
    ],
  ];

test.each(TO_DIRECTORY)(
  "a move to LMDB that is killed %s leaves one store at most, and is finished by the next",
  async (_when, script, source, destination) => {
    await using directory = await temporaryDirectory();
    const places = await filledDirectory(join(directory.path, "data"));
    expect(await refusalOfMove(places.directory, places.database, places.env)).toBeUndefined();
    const rows = await rowsOfDatabase(places.data);
    const to = await directoryWithKey(join(directory.path, "to"), places.data);
    await killedMove(places.database, `lmdb:${to}`, places, script);
    expect(await databaseState(places)).toMatch(source);
    expect(await directoryState(to)).toMatch(destination);
    expect(await refusalOfMove(places.database, `lmdb:${to}`, places.env)).toBeUndefined();
    expect(await rowsOfDirectory(to)).toEqual(rows);
    expect(await directoryState(to)).toBe("served");
    expect(await databaseState(places)).toMatch(/the store was moved to lmdb:/);
    expect((await readdir(to)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  },
);

test("a move that was not finished is continued only to the same place", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDirectory(join(directory.path, "data"));
  const script = signalAtStatement("UPDATE membrane.meta");
  await killedMove(places.directory, places.database, places, script);
  const other = await directoryWithKey(join(directory.path, "other"), places.data);
  expect(await refusalOfMove(places.directory, `lmdb:${other}`, places.env)).toMatch(
    /^--from: a move to postgres:.* was not finished: name the same place$/,
  );
  expect(await readdir(other)).toEqual(["service.key"]);
});

test("a copy that a killed move has reserved gives way to a later move of the same store alone", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDirectory(join(directory.path, "data"));
  const to = await directoryWithKey(join(directory.path, "to"), places.data);
  await killedMove(places.directory, `lmdb:${to}`, places, killAtRename({ isDone: true }));
  const other = await directoryWithKey(join(directory.path, "other"), places.data);
  await (await startTestService({ directory: other, engine: "lmdb" })).close();
  expect(await refusalOfMove(`lmdb:${other}`, `lmdb:${to}`, places.env)).toMatch(
    /^--to: there is a store already/,
  );
  expect(await refusalOfMove(places.directory, `lmdb:${to}`, places.env)).toBeUndefined();
  expect(await directoryState(to)).toBe("served");
});

test("a directory whose store was moved away takes it back once the old store is out of the way", async () => {
  await using directory = await temporaryDirectory();
  const places = await filledDirectory(join(directory.path, "data"));
  const rows = await rowsOfDirectory(places.data);
  expect(await refusalOfMove(places.directory, places.database, places.env)).toBeUndefined();
  expect(await refusalOfMove(places.database, places.directory, places.env)).toMatch(
    /^--to: the store there was moved to postgres:/,
  );
  expect(await databaseState(places)).toBe("served");
  await rename(join(places.data, "store"), join(directory.path, "old"));
  expect(await refusalOfMove(places.database, places.directory, places.env)).toBeUndefined();
  expect(await directoryState(places.data)).toBe("served");
  expect(await rowsOfDirectory(places.data)).toEqual(rows);
});
