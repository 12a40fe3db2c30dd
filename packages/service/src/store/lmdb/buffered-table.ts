/** Rows that are kept in memory from the beginning of a group of writes until all of them have run. */
export interface RowBuffer {
  begin(): void;
  /** Writes those that have changed. */
  flush(): void;
  /** Forgets all of them. */
  end(): void;
}

/** Rows that are read and written by their keys. */
export interface KeyedTable {
  get(key: Buffer): readonly Buffer[] | undefined;
  put(key: Buffer, columns: readonly Buffer[]): void;
  remove(key: Buffer): void;
}

interface BufferedRow {
  readonly key: Buffer;
  /** Nothing for a row that is not there. */
  readonly columns: readonly Buffer[] | undefined;
  readonly isChanged: boolean;
}

/**
 * Reads each row of a table once in a group of writes, and writes it once, however many of them change it: the writes of a commit
 * change the counts of one membrane again and again.
 */
export function createBufferedTable(table: KeyedTable): KeyedTable & RowBuffer {
  let rows: Map<string, BufferedRow> | undefined;
  const change = (key: Buffer, columns?: readonly Buffer[]): boolean => {
    rows?.set(nameOf(key), { key, columns, isChanged: true });
    return rows !== undefined;
  };
  return {
    get(key) {
      if (rows === undefined) return table.get(key);
      const name = nameOf(key);
      let row = rows.get(name);
      if (row === undefined) {
        row = { key, columns: table.get(key), isChanged: false };
        rows.set(name, row);
      }
      return row.columns;
    },
    put(key, columns) {
      if (!change(key, columns)) table.put(key, columns);
    },
    remove(key) {
      if (!change(key)) table.remove(key);
    },
    begin() {
      rows = new Map();
    },
    flush() {
      for (const { key, columns, isChanged } of rows?.values() ?? []) {
        if (!isChanged) continue;
        if (columns === undefined) table.remove(key);
        else table.put(key, columns);
      }
      rows = new Map();
    },
    end() {
      rows = undefined;
    },
  };
}

function nameOf(key: Buffer): string {
  return key.toString("latin1");
}
