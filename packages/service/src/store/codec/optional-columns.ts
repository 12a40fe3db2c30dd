import { StoreCorruptError } from "../store.ts";
import type { ColumnReader } from "./column-reader.ts";
import { encodeColumns, textColumn } from "./columns.ts";

/** What is optional is a column that holds no column or one, so that an empty text or list is not the same as an absent one. */
export function optional<T>(value: T | undefined, encode: (value: T) => Uint8Array): Buffer {
  return value === undefined ? Buffer.alloc(0) : encodeColumns([encode(value)]);
}

export function optionalText(text: string | undefined): Buffer {
  return optional(text, textColumn);
}

/**
 * Reads a column that {@link optional} wrote.
 *
 * @throws StoreCorruptError if it holds more than one column.
 */
export function readOptional<T>(row: ColumnReader, read: (column: ColumnReader) => T): T | undefined {
  const column = row.nested();
  if (column.isAtEnd()) return undefined;
  const value = read(column);
  if (!column.isAtEnd()) throw new StoreCorruptError("an optional column holds more than one");
  return value;
}

export function readOptionalText(row: ColumnReader): string | undefined {
  return readOptional(row, (column) => column.text());
}

/** A value that may be of a variant that only a newer program knows. */
export type Known<T> = { readonly isKnown: true; readonly value?: T } | { readonly isKnown: false };

/**
 * Reads a column that is empty, or holds the columns of `decode`.
 *
 * @param decode returns nothing for an unknown variant.
 */
export function readVariant<T>(row: ColumnReader, decode: (nested: ColumnReader) => T | undefined): Known<T> {
  const nested = row.nested();
  if (nested.isAtEnd()) return { isKnown: true };
  const value = decode(nested);
  return value === undefined || !nested.isAtEnd() ? { isKnown: false } : { isKnown: true, value };
}
