import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { findRepeatedName } from "capability-protocol";
import { printableName } from "capability-protocol/result";
import { CliError } from "../../../errors/cli-error.ts";
import { describeFileError } from "../../../errors/file-error.ts";
import { LIMITS_FILE_FORM } from "../../../errors/limits-file.ts";
import { MIB, readAtMost } from "../../../read-at-most.ts";
import type { SecretReader } from "../../../secret.ts";

/**
 * Reads the limits in the file of `--from`.
 *
 * @param name path of the file; `-` is standard input.
 * @throws CliError that repeats nothing of the contents but a name, and the file's name only if there is such a file: what was given
 *   for it may be a pasted secret.
 */
export async function readLimitsFile(name: string, secrets: SecretReader): Promise<object> {
  const text = await readText(name === "-" ? secrets.claimStdin("--from") : createReadStream(name));
  const limits = text === undefined ? undefined : parseObject(text);
  if (text === undefined || limits === undefined) {
    const found = text === undefined ? "it is over 1 MiB" : "it is not a JSON object";
    throw new CliError(`--from ${name}: expected a JSON object of limits; ${found}`, LIMITS_FILE_FORM);
  }
  // A limit that is written twice would be narrower to its reader than to the service.
  const repeated = findRepeatedName(text);
  if (repeated === undefined) return limits;
  throw new CliError(
    `--from ${name}: ${printableName(repeated)}: expected once in an object`,
    LIMITS_FILE_FORM,
  );
}

/** Returns nothing for a file that is too long. */
async function readText(source: Readable): Promise<string | undefined> {
  const bytes = await readAtMost(source, MIB).catch((cause: unknown) => {
    const expected = "--from: expected the path of a file with a JSON object of limits";
    throw new CliError(`${expected}; ${describeFileError(cause)}`, LIMITS_FILE_FORM, { cause });
  });
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
