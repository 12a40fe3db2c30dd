import { isToken, trimFieldValue } from "capability-protocol/http-syntax";
import { CliError } from "../../errors/cli-error.ts";

export type HeaderLine = readonly [name: string, value: string];

const EXPECTED = '--header: expected "Name: value"';

/**
 * Splits the values of `--header` at the first colon into header lines; a value from a file has one header on each line. An error
 * does not repeat an invalid value, which may be a secret whose name was forgotten.
 */
export function readHeaderLines(values: readonly string[]): readonly HeaderLine[] {
  return values.flatMap((value) => {
    const lines = value.split(/\r?\n/).filter((line) => line !== "");
    // An unset variable or a file of empty lines would leave out the credential.
    if (lines.length === 0) throw new CliError(`${EXPECTED}, there is no line`);
    return lines.map(readLine);
  });
}

function readLine(line: string): HeaderLine {
  const colon = line.indexOf(":");
  const name = line.slice(0, colon);
  if (colon === -1) throw new CliError(`${EXPECTED}, there is no colon`);
  if (!isToken(name)) throw new CliError(`${EXPECTED}, the text before the colon is not a header name`);
  return [name, trimFieldValue(line.slice(colon + 1))];
}
