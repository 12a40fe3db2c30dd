import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { CliError } from "./errors/cli-error.ts";
import { fileReadError } from "./errors/file-error.ts";
import { MIB, readAtMost } from "./read-at-most.ts";

/** Reads options that hold secrets. */
export interface SecretReader {
  /**
   * The value itself, or what stands in the file that `@FILE` names, or on standard input for `@-`; one line break at
   * its end is dropped.
   *
   * @param option how the option is written, for messages.
   * @throws CliError when there is nothing to be read.
   */
  read(option: string, value: string): Promise<string>;
  /** Notes that an option takes standard input, and refuses a second one. */
  claimStdin(option: string): Readable;
}

/** For who meant something else than a file. */
export const AT_SIGN_HINT =
  "Behind @ stands the path of a file, taken as it is written, or - for standard input.";

export function createSecretReader(stdin: Readable): SecretReader {
  let claimedBy: string | undefined;
  const claimStdin = (option: string): Readable => {
    if (claimedBy !== undefined) {
      throw new CliError(
        `${option}: standard input goes to ${claimedBy} already`,
        "One option at most can read standard input: put the other value into a file and write @FILE.",
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
