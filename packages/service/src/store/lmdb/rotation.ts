import { macTableOf } from "../codec/audit-head-row.ts";
import { encodeRow } from "../codec/authenticated-row.ts";
import type { StoreFormat } from "../codec/format-row.ts";
import { FORMAT_KEY, formatColumns, rowKeysOfStore } from "../codec/format-row.ts";
import type { ServiceKeys } from "../keys.ts";
import { createKeyUsageCount, keyVersionOf, rewriteRow } from "../rotation/rows.ts";
import type { KeyUsage, RewrittenRows, UnusedStore } from "../rotation/unused-store.ts";
import { StoreFormatError } from "../store.ts";
import type { StoredRow } from "../transfer/stored-rows.ts";
import type { Commit, Environment } from "./environment.ts";
import { openEnvironment } from "./environment.ts";
import type { Tables } from "./schema.ts";
import { TABLE_NAMES } from "./schema.ts";
import { readFormat } from "./schema-version.ts";
import { readPage } from "./stored-rows.ts";
import { withUnusedEnvironment, WRITE_DEADLINE_MS } from "./unused-environment.ts";

/**
 * Lets `use` change which service keys a store needs, while no other process can open it.
 *
 * @param keys all that there are; that of the rows is enough.
 * @throws StoreFormatError if another process has it open, or if that key is missing.
 */
export function withUnusedStore<T>(
  directory: string,
  keys: ServiceKeys,
  use: (store: UnusedStore) => Promise<T>,
): Promise<T> {
  return withUnusedEnvironment(directory, (environment, commit) =>
    use(createUnusedStore(environment, keys, commit)),
  );
}

/** Reads which keys a store needs, and how many tokens need each, while other processes may use it. */
export async function readKeyUsage(
  directory: string,
  keys: ServiceKeys,
): Promise<{ readonly format: StoreFormat; readonly usage: KeyUsage }> {
  const environment = await openEnvironment(directory, WRITE_DEADLINE_MS);
  try {
    return environment.snapshot(() => {
      const format = readPresent(environment, keys);
      return { format, usage: countLookups(environment.tables, rowKeysOfStore(keys, format)) };
    });
  } finally {
    await environment.close();
  }
}

function createUnusedStore(environment: Environment, keys: ServiceKeys, commit: Commit): UnusedStore {
  const { tables, snapshot } = environment;
  const format = snapshot(() => readPresent(environment, keys));
  const current = rowKeysOfStore(keys, format);
  return {
    format,
    countLookups: () => Promise.resolve(snapshot(() => countLookups(tables, current))),
    async rewrite(next, newest) {
      let written: RewrittenRows = { rows: 0, damaged: 0 };
      await commit(() => {
        written = rewriteTables(tables, current, rowKeysOfStore(newest, next));
        putFormat(tables, next, newest);
      });
      return written;
    },
    forget: (keyVersion, next) =>
      commit(() => {
        for (const row of rowsOf(tables, "lookups"))
          if (keyVersionOf(row, current) === keyVersion) tables.lookups.removeSync(row.key);
        putFormat(tables, next, keys);
      }),
  };
}

function readPresent(environment: Environment, keys: ServiceKeys): StoreFormat {
  const format = readFormat(environment, keys);
  if (format === undefined) throw new StoreFormatError("there is no store");
  return format;
}

function putFormat({ meta }: Tables, next: StoreFormat, keys: ServiceKeys): void {
  const key = rowKeysOfStore(keys, next);
  meta.putSync(FORMAT_KEY, encodeRow("meta", FORMAT_KEY, formatColumns(next), key));
}

/** In the open transaction. */
function rewriteTables(tables: Tables, from: ServiceKeys, to: ServiceKeys): RewrittenRows {
  let [rows, damaged] = [0, 0];
  for (const table of TABLE_NAMES) {
    for (const row of rowsOf(tables, table)) {
      const body = rewriteRow(macTableOf(table, row.key), row, from, to);
      if (body === undefined) damaged += 1;
      else tables[table].putSync(row.key, body);
      rows += 1;
    }
  }
  return { rows, damaged };
}

function countLookups(tables: Tables, keys: ServiceKeys): KeyUsage {
  const count = createKeyUsageCount(keys);
  for (const row of rowsOf(tables, "lookups")) count.add(row);
  return count.usage;
}

/** All rows of a table, which may be changed as they come: each page is read before. */
function* rowsOf(tables: Tables, table: keyof Tables): Iterable<StoredRow> {
  for (let page = readPage(tables[table], undefined); page.length > 0;) {
    yield* page;
    page = readPage(tables[table], page.at(-1)?.key);
  }
}
