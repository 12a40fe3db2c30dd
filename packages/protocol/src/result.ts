/**
 * A value, or the reason why there is none. A refusal is a value; only a fault is an exception.
 *
 * @example
 * const half = (n: number): Result<number, string> => (n % 2 === 0 ? ok(n / 2) : err("expected an even number"));
 * half(4); // => ok(2)
 * half(3); // => err("expected an even number")
 */
export type Result<T, E> = Ok<T> | Err<E>;

/**
 * @example
 * const value: Ok<number> = ok(1);
 * value; // => { ok: true, value: 1 }
 */
export interface Ok<T> {
  readonly ok: true;
  readonly value: T;
}

/**
 * @example
 * const refusal: Err<string> = err("too long");
 * refusal; // => { ok: false, error: "too long" }
 */
export interface Err<E> {
  readonly ok: false;
  readonly error: E;
}

/**
 * @example
 * ok(1); // => { ok: true, value: 1 }
 */
export function ok<T>(value: T): Ok<T> {
  return { ok: true, value };
}

/**
 * @example
 * err("expected an even number"); // => { ok: false, error: "expected an even number" }
 */
export function err<const E>(error: E): Err<E> {
  return { ok: false, error };
}

/**
 * Why an input was refused. It names the field and what would have been accepted, never the value, which may be a secret or the
 * text of an attacker.
 *
 * @example
 * const problem: Problem = { field: "id", expected: "a string" };
 * describeProblem(problem); // => "id: expected a string"
 */
export interface Problem {
  /** JSON path of the field, such as `hmac.aws4-hmac-sha256.region`; `body` for the root. */
  readonly field: string;
  /** What would have been accepted, such as `a string of 1 to 128 characters`. */
  readonly expected: string;
}

/**
 * What a parser returns: a value of a precise type, or what is wrong with the input.
 *
 * @example
 * const parseFlag = (value: unknown): Parsed<boolean> =>
 *   typeof value === "boolean" ? ok(value) : refuse("flag", "true or false");
 * parseFlag(1); // => refuse("flag", "true or false")
 */
export type Parsed<T> = Result<T, Problem>;

/**
 * @param expected what would be accepted, such as `a string`.
 *
 * @example
 * refuse("id", "a string"); // => err({ field: "id", expected: "a string" })
 */
export function refuse(field: string, expected: string): Err<Problem> {
  return err({ field, expected });
}

/**
 * Describes a problem in one line for a person: the field and what was expected in it.
 *
 * @example
 * describeProblem({ field: "uri", expected: "an http or https URI" }); // => "uri: expected an http or https URI"
 */
export function describeProblem(problem: Problem): string {
  return `${problem.field}: expected ${problem.expected}`;
}

const MAX_NAME_LENGTH = 64;

/** The beginning of a token, of which the rest or a part follows; header names are in lower case in places. */
const TOKEN_PREFIX = /CPBLTY1-/i;

const ESCAPE = /%([0-9A-F]{2})/gi;

/**
 * Makes a sender's name safe for a message or a log line: visible ASCII, shortened. Otherwise the name of an unknown field could
 * forge log lines or put a megabyte into a response. A name that holds a token, which was pasted into the wrong place, is not shown.
 *
 * @example
 * printableName("a\nb"); // => "a?b"
 * printableName(`x-${TOKEN}`); // => "[token]"
 */
export function printableName(name: string): string {
  if (TOKEN_PREFIX.test(name.includes("%") ? unescapeName(name) : name)) return "[token]";
  const visible = name.slice(0, MAX_NAME_LENGTH).replace(/[^\x21-\x7e]/g, "?");
  return name.length > MAX_NAME_LENGTH ? `${visible}...` : visible;
}

/** A query key is shown as it was sent if its escapes are wrong. */
function unescapeName(name: string): string {
  return name.replaceAll(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
