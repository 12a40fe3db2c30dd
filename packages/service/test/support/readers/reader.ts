/** A function that parses a text of a client, target or other sender. */
export interface Reader {
  /** File and function, as `package/src/file#function`; after a blank, the part of the input that is the sender's text. */
  readonly name: string;
  /** The longest text that the function gets, in bytes. */
  readonly longest: number;
  /** Parses the text; the result, or an exception, does not matter. */
  readonly read: (text: string) => unknown;
  /** A valid text, which is repeated up to any length. */
  readonly benign: string;
}

export const KIB = 1024;

/** The limit of heads of requests and responses, `--header-bytes`. */
export const HEAD = 16 * KIB;

/** A quarter of `--management-body-bytes`, which is enough to find non-linear time. */
export const BODY = 256 * KIB;

/** The size of responses and files. */
export const FILE = 128 * KIB;

export const SENTENCE = "The quick brown fox jumps over the lazy dog. ";

export const PEM = "-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n";

/** Splits a text into pieces, as if each arrived separately. */
export function pieces(text: string, length: number): readonly string[] {
  return Array.from({ length: Math.ceil(text.length / length) }, (_, at) =>
    text.slice(at * length, (at + 1) * length),
  );
}

/** Makes many short header lines from the text. */
export function manyLines(text: string): string[] {
  return pieces(text, 8).flatMap((piece) => [piece.slice(0, 4), piece.slice(4)]);
}

export function reader(name: string, longest: number, benign: string, read: Reader["read"]): Reader {
  return { name, longest, benign, read };
}
