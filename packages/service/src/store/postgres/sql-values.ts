import type { Uid } from "../../domain/uid.ts";
import { parseUid } from "../../domain/uid.ts";

/* Values as PostgreSQL reads and writes them in text. Arrays are written here, since the driver would first ask for their types. */

/** An array literal of bytes, for a parameter of type `bytea[]`. */
export function byteaArray(values: readonly Uint8Array[]): string {
  return `{${values.map((value) => `"\\\\x${Buffer.from(value).toString("hex")}"`).join(",")}}`;
}

/** For `uuid[]`, which takes a uid without dashes. */
export function uuidArray(values: readonly Uid[]): string {
  return `{${values.join(",")}}`;
}

/** For `uuid[][]`-like columns of different lengths, which an array of arrays cannot have: each as the text of an array. */
export function uuidArrays(values: readonly (readonly Uid[])[]): string {
  return `{${values.map((uids) => `"${uuidArray(uids)}"`).join(",")}}`;
}

/** For `smallint[]`, `bigint[]` and `boolean[]`. */
export function plainArray(values: readonly (number | boolean)[]): string {
  return `{${values.join(",")}}`;
}

/** An array literal in which `undefined` is NULL. */
export function nullableUuidArray(values: readonly (Uid | undefined)[]): string {
  return `{${values.map((value) => value ?? "NULL").join(",")}}`;
}

export function nullableByteaArray(values: readonly (Uint8Array | undefined)[]): string {
  const texts = values.map((value) =>
    value === undefined ? "NULL" : `"\\\\x${Buffer.from(value).toString("hex")}"`,
  );
  return `{${texts.join(",")}}`;
}

/**
 * A statement with its parameters in its text, which the server takes together with others in one message.
 *
 * @throws TypeError for a parameter that is more than a number, a UUID or a list of these.
 */
export function withLiterals(text: string, parameters: readonly unknown[]): string {
  return text.replaceAll(/\$(\d+)/g, (_, number: string) => literal(parameters[Number(number) - 1]));
}

function literal(value: unknown): string {
  const text = String(value);
  // Nothing that could end a string, whatever the session takes a backslash for.
  if (!/^[0-9a-f{},-]*$/.test(text)) throw new TypeError("a parameter is neither a number nor a UUID");
  return `'${text}'`;
}

/** A row of a result, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** @throws TypeError if the column is not of type `uuid`, or is NULL. */
export function uidColumnOf(row: Row, name: string): Uid {
  const value = row[name];
  if (typeof value !== "string") throw new TypeError(`column ${name} is no uuid`);
  return parseUid(value.replaceAll("-", ""));
}

export function optionalUidOf(row: Row, name: string): Uid | undefined {
  return row[name] === null ? undefined : uidColumnOf(row, name);
}

/** @throws TypeError if the column is not of type `bytea`, or is NULL. */
export function bytesOf(row: Row, name: string): Buffer {
  const value = row[name];
  if (!Buffer.isBuffer(value)) throw new TypeError(`column ${name} has no bytes`);
  return value;
}

export function optionalBytesOf(row: Row, name: string): Buffer | undefined {
  return row[name] === null ? undefined : bytesOf(row, name);
}

/** @throws TypeError if the column is no whole number. */
export function bigintOf(row: Row, name: string): bigint {
  const value = row[name];
  if (typeof value !== "string" && typeof value !== "number")
    throw new TypeError(`column ${name} is no whole number`);
  return BigInt(value);
}
