import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { CliError } from "./errors/cli-error.ts";
import { fileReadError } from "./errors/file-error.ts";
import { MIB, readAtMost } from "./read-at-most.ts";

/** Reads options that hold secrets. */
export interface SecretReader {
  /**
   * Returns the value itself, or the contents of the file that `@FILE` names, or standard input for `@-`. One line break
   * at the end is dropped.
   *
   * @param option name of the option, for messages.
   * @throws CliError when the source cannot be read, is empty, is over 1 MiB or is not UTF-8.
   */
  read(option: string, value: string): Promise<string>;
  /** Assigns standard input to an option. @throws CliError when another option has it. */
  claimStdin(option: string): Readable;
}

/** Hint for a value that begins with `@` and is not meant as a file. */
export const AT_SIGN_HINT =
  "@ is followed by the path of a file, without expansion, or by - for standard input.";

export function createSecretReader(stdin: Readable): SecretReader {
  let claimedBy: string | undefined;
  const claimStdin = (option: string): Readable => {
    if (claimedBy !== undefined) {
      throw new CliError(
        `${option}: ${claimedBy} already reads standard input`,
        "At most one option can read standard input: write the other value to a file and give @FILE.",
      );
    }
    claimedBy = option;
    return stdin;
  };
  return {
    claimStdin,
    async read(option, value) {
      if (!value.startsWith("@")) return value;
      const isInput = value === "@-";
      const source = isInput ? claimStdin(option) : createReadStream(value.slice(1));
      const name = isInput ? "standard input" : value.slice(1);
      const text = decode(await readBytes(source, option, name), option, name).replace(/\r?\n$/, "");
      if (text === "") throw new CliError(`${option}: ${name} is empty`);
      return text;
    },
  };
}

async function readBytes(source: Readable, option: string, name: string): Promise<Buffer> {
  const bytes = await readAtMost(source, MIB).catch((cause: unknown) => {
    throw fileReadError(option, name, cause, AT_SIGN_HINT);
  });
  if (bytes === undefined) throw new CliError(`${option}: ${name} is over 1 MiB`);
  return bytes;
}

function decode(bytes: Buffer, option: string, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CliError(`${option}: ${name} is not text in UTF-8`, undefined, { cause });
  }
}
