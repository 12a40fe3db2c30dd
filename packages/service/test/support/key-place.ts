import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FORMAT_KEY } from "../../src/store/codec/format-row.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { runToItsEnd, spawnService } from "../../../testkit/src/process.ts";
import { STORE_ACCESS } from "../../../testkit/src/store-access.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { TestDatabase } from "../../../testkit/src/test-database.ts";
import { createTestDatabase } from "../../../testkit/src/test-database.ts";

type Env = Readonly<Record<string, string>>;

/** A data directory with a service key file, and how commands reach its store. */
export interface KeyPlace extends AsyncDisposable {
  readonly data: string;
  readonly keyFile: string;
  /** Name the place to a command. */
  readonly flags: readonly string[];
  /** Runs a command, which must end by itself, a service that is to be refused too. */
  run(words: readonly string[], env?: Env): ReturnType<typeof runToItsEnd>;
  start(env?: Env): Promise<ServiceProcess>;
  /** Numbers of the keys that the store needs, with how many capabilities need each. */
  keys(): Promise<Readonly<Record<number, number>>>;
  /** Lines of the service key file. */
  lines(): Promise<readonly string[]>;
  writeLines(lines: readonly string[]): Promise<void>;
  /** Copies the store as anyone can who has write access to it. @returns a function that puts the copy in its place. */
  copyStore(): Promise<() => Promise<void>>;
  /** Replaces the format row, in the same way. */
  writeFormat(body: Buffer): Promise<void>;
}

export async function makeKeyPlace(engine: "lmdb" | "postgres"): Promise<KeyPlace> {
  const directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  const keyFile = join(data, "service.key");
  const database = engine === "postgres" ? await createTestDatabase() : undefined;
  const flags = ["--data", data, ...(database?.flags ?? [])];
  const run: KeyPlace["run"] = (words, env = {}) =>
    runToItsEnd([...words, ...flags], { ...database?.env, ...env });
  return {
    data,
    keyFile,
    flags,
    run,
    start: (env = {}) =>
      spawnService(data, { flags: database?.flags ?? [], env: { ...database?.env, ...env } }),
    async keys() {
      const { code, stdout, stderr } = await run(["key", "status", "--json"]);
      if (code !== 0) throw new Error(stderr);
      const { keys } = JSON.parse(stdout) as { keys: { key: number; capabilities: number }[] };
      return Object.fromEntries(keys.map(({ key, capabilities }) => [key, capabilities]));
    },
    lines: async () => (await readFile(keyFile, "utf8")).trim().split("\n"),
    writeLines: (lines) => writeFile(keyFile, lines.map((line) => `${line}\n`).join("")),
    copyStore: () =>
      database === undefined
        ? copyDirectory(join(data, "store"), join(directory.path, "copy"))
        : copySchema(database),
    async writeFormat(body) {
      if (database !== undefined)
        return void (await database.query(
          `UPDATE membrane.meta SET body = decode('${body.toString("hex")}', 'hex') WHERE key = 'format'`,
        ));
      await using raw = await STORE_ACCESS.lmdb.openRaw(data);
      await raw.write("meta", FORMAT_KEY, body);
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

async function copyDirectory(store: string, copy: string): Promise<() => Promise<void>> {
  await cp(store, copy, { recursive: true });
  return async () => {
    await rm(store, { recursive: true });
    await cp(copy, store, { recursive: true });
  };
}

/** Copies all rows of a store within its database. @returns a function that puts them back. */
export async function copySchema({ query }: TestDatabase): Promise<() => Promise<void>> {
  const rows = await query("SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'membrane'");
  const tables = rows.map(({ name }) => String(name));
  await query("CREATE SCHEMA copied");
  for (const table of tables) await query(`CREATE TABLE copied.${table} AS TABLE membrane.${table}`);
  return async () => {
    for (const table of tables) {
      await query(`DELETE FROM membrane.${table}`);
      await query(`INSERT INTO membrane.${table} SELECT * FROM copied.${table}`);
    }
  };
}
