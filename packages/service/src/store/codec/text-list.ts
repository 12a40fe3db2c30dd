import type { ColumnReader } from "./column-reader.ts";
import { encodeColumns, textColumn } from "./columns.ts";

export function encodeTexts(texts: readonly string[]): Buffer {
  return encodeColumns(texts.map(textColumn));
}

/** Reads a column that {@link encodeTexts} wrote. */
export function readTexts(column: ColumnReader): string[] {
  const row = column.nested();
  const texts: string[] = [];
  while (!row.isAtEnd()) texts.push(row.text());
  return texts;
}
