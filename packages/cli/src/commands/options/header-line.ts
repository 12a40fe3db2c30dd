import { isToken, trimFieldValue } from "capability-protocol";
import { CliError } from "../../errors/cli-error.ts";

export type HeaderLine = readonly [name: string, value: string];

const EXPECTED = '--header: expected "Name: value"';

/**
 * Header lines from the values of `--header`, split at the first colon; a value that comes from a file holds a line
 * each. What is wrong is never repeated: it may be a secret whose name was forgotten.
 */
export function readHeaderLines(values: readonly string[]): readonly HeaderLine[] {
  return values
    .flatMap((value) => value.split(/\r?\n/))
    .filter((line) => line !== "")
    .map(readLine);
}

function readLine(line: string): HeaderLine {
  const colon = line.indexOf(":");
  const name = line.slice(0, colon);
  if (colon === -1) throw new CliError(`${EXPECTED}, there is no colon`);
  if (!isToken(name)) throw new CliError(`${EXPECTED}, what stands before the colon is no header name`);
  return [name, trimFieldValue(line.slice(colon + 1))];
}
