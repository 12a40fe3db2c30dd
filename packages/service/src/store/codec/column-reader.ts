import type { Uid } from "../../domain/uid.ts";
import { parseUid } from "../../domain/uid.ts";
import { StoreCorruptError } from "../store.ts";
import { decodeColumns } from "./columns.ts";

/**
 * Reads columns one after the other.
 *
 * @throws StoreCorruptError when a column is missing.
 */
export class ColumnReader {
  readonly #columns: readonly Buffer[];
  #next = 0;

  constructor(columns: readonly Buffer[]) {
    this.#columns = columns;
  }

  bytes(): Buffer {
    const column = this.#columns[this.#next];
    if (column === undefined) throw new StoreCorruptError("a record has too few columns");
    this.#next += 1;
    return column;
  }

  text(): string {
    return this.bytes().toString("utf8");
  }

  flag(): boolean {
    return this.bytes()[0] === 1;
  }

  uid(): Uid {
    return parseUid(this.bytes().toString("hex"));
  }

  /** @throws StoreCorruptError when the column is no whole number. */
  number(): number {
    const column = this.bytes();
    const value = column.length === 8 ? Number(column.readBigUInt64BE()) : Number.NaN;
    if (!Number.isSafeInteger(value)) throw new StoreCorruptError("a column is no whole number");
    return value;
  }

  optionalNumber<Name extends string>(name: Name): { [K in Name]?: number } {
    const empty: { [K in Name]?: number } = {};
    if (this.#columns[this.#next]?.length !== 0) return { ...empty, [name]: this.number() };
    this.#next += 1;
    return empty;
  }

  optionalUid<Name extends string>(name: Name): { [K in Name]?: Uid } {
    const column = this.bytes();
    const empty: { [K in Name]?: Uid } = {};
    return column.length === 0 ? empty : { ...empty, [name]: parseUid(column.toString("hex")) };
  }

  /** A column that holds columns. */
  nested(): ColumnReader {
    return new ColumnReader(decodeColumns(this.bytes()));
  }

  /** Whether all columns were read. */
  isAtEnd(): boolean {
    return this.#next === this.#columns.length;
  }
}
