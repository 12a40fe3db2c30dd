import type { WriteClass } from "../write-queue.ts";
import { hasSpace } from "../write-space.ts";
import type { Table } from "./schema.ts";
import type { WriterDeps } from "./writer.ts";

/** Half of what the file is extended by. */
const AMPLE_BYTES = 512 * 1024;

/** The two pages with the roots. */
const META_PAGES = 2;

/** How much space the open transaction may still take. */
export interface SpaceBudget {
  /** To be called when a transaction begins. */
  begin(): void;
  /** Extends the file if needed, and counts `need` as taken. @returns whether the write may proceed. */
  allocate(write: { readonly class: WriteClass; readonly requiredBytes: number }): boolean;
  /** The code of the error that keeps the file from being extended; nothing while it can be. */
  readonly cause: string | undefined;
  /** There is more room than any write needs, so that what was full is no more, and not only for small writes. */
  readonly isAmple: boolean;
  /** Number of the last transaction that can be read. */
  lastTransaction(): number;
}

/** What the pages of a store take. */
export interface UsedSpace {
  /** Where the last page ends. */
  readonly usedBytes: number;
  /** Pages before that which nothing uses any more. */
  readonly freeBytes: number;
}

/** As of now: what another process has committed is in it. */
export function usedSpace({ root, tables }: Pick<WriterDeps, "root" | "tables">): UsedSpace {
  root.resetReadTxn();
  const stats = root.getStats();
  const pages = numberIn(stats, "lastPageNumber") + 1;
  const pageSize = numberIn(stats, "pageSize");
  return { usedBytes: pages * pageSize, freeBytes: freePages(stats, pages, tables) * pageSize };
}

/** How many entries a table has, which LMDB knows without counting. */
export function entriesOf(table: Table): number {
  return numberIn(table.getStats(), "entryCount");
}

function freePages(stats: object, pages: number, tables: readonly Table[]): number {
  return tables.reduce(
    (left, table) => left - pagesOf(table.getStats()),
    pages - META_PAGES - pagesOf(objectIn(stats, "root")) - pagesOf(objectIn(stats, "free")),
  );
}

export function createSpaceBudget({ root, tables, reserve }: WriterDeps, reserveBytes: number): SpaceBudget {
  let allocated = 0;
  /** As of the beginning of the transaction: its pages are written when it ends. */
  let stats: object | undefined;
  let cause: string | undefined;
  let isAmple = false;

  return {
    begin() {
      allocated = 0;
      stats = undefined;
      reserve.refresh();
    },
    allocate({ class: kind, requiredBytes }) {
      stats ??= root.getStats();
      const pages = numberIn(stats, "lastPageNumber") + 1;
      const pageSize = numberIn(stats, "pageSize");
      const used = pages * pageSize + allocated;
      const extended = reserve.extend(used, reserveBytes + requiredBytes);
      ({ cause } = extended);
      isAmple = extended.tail - requiredBytes >= reserveBytes + AMPLE_BYTES;
      allocated += requiredBytes;
      const bytesFree =
        extended.tail - requiredBytes >= reserveBytes ? 0 : freePages(stats, pages, tables) * pageSize;
      return hasSpace(kind, requiredBytes, { tail: extended.tail, free: bytesFree, reserve: reserveBytes });
    },
    get cause() {
      return cause;
    },
    get isAmple() {
      return isAmple;
    },
    lastTransaction: () => numberIn(root.getStats(), "lastTxnId"),
  };
}

function pagesOf(stats: object): number {
  const parts = ["treeBranchPageCount", "treeLeafPageCount", "overflowPages"];
  return parts.reduce((sum, part) => sum + numberIn(stats, part), 0);
}

/** LMDB's statistics have no types. */
function numberIn(stats: object, name: string): number {
  const value: unknown = Reflect.get(stats, name);
  if (typeof value !== "number") throw new TypeError(`LMDB does not say its ${name}`);
  return value;
}

function objectIn(stats: object, name: string): object {
  const value: unknown = Reflect.get(stats, name);
  if (typeof value !== "object" || value === null) throw new TypeError(`LMDB does not say its ${name}`);
  return value;
}
