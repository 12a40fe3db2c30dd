/**
 * Why an input was refused. It names the place and what would have been right, never the offending value: that may be
 * a secret, and it may be the text of an attacker.
 */
export interface Problem {
  /** JSON path of the field, such as `hmac.aws4-hmac-sha256.region`; `body` for the root. */
  readonly field: string;
  /** What would have been accepted, such as `a string of 1 to 128 characters`. */
  readonly expected: string;
}

/** A value of a type of its own, or the reason why the input is none. Bad input is never an exception. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

export function accept<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function refuse(
  field: string,
  expected: string,
): {
  readonly ok: false;
  readonly problem: Problem;
} {
  return { ok: false, problem: { field, expected } };
}

/** One line for a person: the field and what was expected in it. */
export function describeProblem(problem: Problem): string {
  return `${problem.field}: expected ${problem.expected}`;
}

const MAX_NAME_LENGTH = 64;

/**
 * A name chosen by the sender, made fit for a message or a log line: visible ASCII, cut short. Without it the name of
 * an unknown field could forge log lines or carry a megabyte into an answer.
 */
export function printableName(name: string): string {
  const visible = name.slice(0, MAX_NAME_LENGTH).replace(/[^\x21-\x7e]/g, "?");
  return name.length > MAX_NAME_LENGTH ? `${visible}...` : visible;
}
