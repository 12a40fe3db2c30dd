import type {
  AllowedValues,
  HeaderLimit,
  Limits,
  ListedValue,
  QueryLimit,
  RequestLimit,
} from "capability-protocol";
import type { ColumnReader } from "./column-reader.ts";
import { encodeColumns, flagColumn, numberColumn, textColumn } from "./columns.ts";
import { optional, readOptional, readVariant } from "./optional-columns.ts";
import { encodeTexts, readTexts } from "./text-list.ts";

/** Limits, as columns. A newer program that knows one more appends a column, which this one refuses to ignore. */
export function encodeLimits(limits: Limits): Buffer {
  return encodeColumns([
    optional(limits.expiresAt, numberColumn),
    optional(limits.notBefore, numberColumn),
    optional(limits.maxUses, numberColumn),
    optional(limits.maxUsesEveryMs, numberColumn),
    encodeRequestLimit(limits),
    optional(limits.requests, (requests) => encodeColumns(requests.map(encodeRequestLimit))),
    optional(limits.maxBodyBytes, numberColumn),
    optional(limits.clientCidrs, encodeTexts),
    flagColumn(limits.delegable ?? true),
  ]);
}

/**
 * The inverse of {@link encodeLimits}.
 *
 * @returns nothing if a newer program wrote them: there is a column or a variant that this one does not know.
 * @throws StoreCorruptError if the columns are no limits.
 */
export function decodeLimits(row: ColumnReader): Limits | undefined {
  const expiresAt = readOptional(row, readNumber);
  const notBefore = readOptional(row, readNumber);
  const maxUses = readOptional(row, readNumber);
  const maxUsesEveryMs = readOptional(row, readNumber);
  const request = decodeRequestLimit(row.nested());
  const requests = readVariant(row, (column) =>
    decodeList(column.nested(), (request) => decodeRequestLimit(request.nested())),
  );
  const maxBodyBytes = readOptional(row, readNumber);
  const clientCidrs = readOptional(row, readTexts);
  const isDelegable = row.flag();
  if (request === undefined || !requests.isKnown || !row.isAtEnd()) return undefined;
  return {
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(maxUses === undefined ? {} : { maxUses }),
    ...(maxUsesEveryMs === undefined ? {} : { maxUsesEveryMs }),
    ...request,
    ...(requests.value === undefined ? {} : { requests: requests.value }),
    ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
    ...(clientCidrs === undefined ? {} : { clientCidrs }),
    ...(isDelegable ? {} : { delegable: false }),
  };
}

function encodeRequestLimit({ methods, paths, query, headers }: RequestLimit): Buffer {
  return encodeColumns([
    optional(methods, encodeTexts),
    optional(paths, encodeTexts),
    optional(query, (names) => encodeNames(names, encodeListedValue)),
    optional(headers, (names) => encodeNames(names, textColumn)),
  ]);
}

function decodeRequestLimit(row: ColumnReader): RequestLimit | undefined {
  const methods = readOptional(row, readTexts);
  const paths = readOptional(row, readTexts);
  const query = readVariant<QueryLimit>(row, (column) => decodeNames(column.nested(), decodeListedValue));
  const headers = readVariant<HeaderLimit>(row, (column) => decodeNames(column.nested(), readText));
  if (!query.isKnown || !headers.isKnown || !row.isAtEnd()) return undefined;
  return {
    ...(methods === undefined ? {} : { methods }),
    ...(paths === undefined ? {} : { paths }),
    ...(query.value === undefined ? {} : { query: query.value }),
    ...(headers.value === undefined ? {} : { headers: headers.value }),
  };
}

/** Names and what is allowed for each: any value is a column without columns. */
function encodeNames<T>(names: ReadonlyMap<string, AllowedValues<T>>, encode: (value: T) => Buffer): Buffer {
  return encodeColumns(
    Array.from(names).flatMap(([name, values]) => [
      textColumn(name),
      optional(values === "any" ? undefined : values, (listed) => encodeColumns(listed.map(encode))),
    ]),
  );
}

function decodeNames<T>(
  row: ColumnReader,
  decode: (column: ColumnReader) => T | undefined,
): ReadonlyMap<string, AllowedValues<T>> | undefined {
  const names = new Map<string, AllowedValues<T>>();
  while (!row.isAtEnd()) {
    const name = row.text();
    const values = readVariant<readonly T[]>(row, (column) => decodeList(column.nested(), decode));
    if (!values.isKnown) return undefined;
    names.set(name, values.value ?? "any");
  }
  return names;
}

/** The first character says how a value is compared; there may be thousands of values. */
const EQUALS = "=";
const STARTS_WITH = "^";

function encodeListedValue(value: ListedValue): Buffer {
  return textColumn(typeof value === "string" ? EQUALS + value : STARTS_WITH + value.startsWith);
}

function decodeListedValue(column: ColumnReader): ListedValue | undefined {
  const value = column.text();
  if (value.startsWith(EQUALS)) return value.slice(1);
  return value.startsWith(STARTS_WITH) ? { startsWith: value.slice(1) } : undefined;
}

function readText(column: ColumnReader): string {
  return column.text();
}

function readNumber(column: ColumnReader): number {
  return column.number();
}

/** Reads all columns of a row. @returns nothing if one of them is of an unknown variant. */
function decodeList<T>(row: ColumnReader, decode: (column: ColumnReader) => T | undefined): T[] | undefined {
  const list: T[] = [];
  while (!row.isAtEnd()) {
    const value = decode(row);
    if (value === undefined) return undefined;
    list.push(value);
  }
  return list;
}
