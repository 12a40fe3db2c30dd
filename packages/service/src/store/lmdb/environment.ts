import type { Database, RootDatabase } from "lmdb";
import { open } from "lmdb";
import { StoreBusyError } from "../store.ts";

/** One named table; keys and values are bytes. */
export type Table = Database<Buffer, Buffer>;

/** The tables of the store. docs/storage.md says what stands in each. */
export interface Tables {
  readonly meta: Table;
  readonly nodes: Table;
  readonly lookups: Table;
  readonly names: Table;
  readonly children: Table;
  readonly counts: Table;
  readonly log: Table;
  readonly sweep: Table;
}

/** An LMDB environment, safe for several processes on one machine. */
export interface Environment {
  readonly tables: Tables;
  /** Runs reads that all see one snapshot, taken now: what another process committed before is in it. */
  snapshot<T>(read: () => T): T;
  /**
   * Runs `decide` in a transaction of its own and resolves when its writes, and all commits it saw, are on disk. What it
   * throws undoes its writes. It must be short, since every other writer of the machine waits for it.
   *
   * @throws StoreBusyError if the transaction did not start in time; it will not run then.
   */
  write<T>(decide: () => T): Promise<T>;
  close(): Promise<void>;
}

/** @param writerDeadlineMs how long a transaction may wait for its turn, in milliseconds. */
export function openEnvironment(directory: string, writerDeadlineMs: number): Environment {
  const root: RootDatabase<Buffer, Buffer> = open({ path: directory, maxDbs: 8, noSubdir: false });
  const table = (name: string): Table => root.openDB({ name, encoding: "binary", keyEncoding: "binary" });
  return {
    tables: {
      meta: table("meta"),
      nodes: table("nodes"),
      lookups: table("lookups"),
      names: table("names"),
      children: table("children"),
      counts: table("counts"),
      log: table("log"),
      sweep: table("sweep"),
    },
    snapshot(read) {
      // A read transaction lives on until the next turn of the event loop and would miss what another process committed.
      root.resetReadTxn();
      return read();
    },
    async write(decide) {
      const result = await inTurn(root, decide, writerDeadlineMs);
      // Commits become visible before they are on disk; the flush covers the commits of other processes too.
      await root.flushed;
      return result;
    },
    close: () => root.close(),
  };
}

function inTurn<T>(root: RootDatabase<Buffer, Buffer>, decide: () => T, deadlineMs: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      reject(new StoreBusyError("another writer holds the store"));
    }, deadlineMs);
    const act = (): T => {
      if (isLate) throw new StoreBusyError("the caller has left");
      clearTimeout(deadline);
      return decide();
    };
    const begin = async (): Promise<T> => root.childTransaction(act);
    begin()
      .finally(() => clearTimeout(deadline))
      .then(resolve, reject);
  });
}
