import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { Failure } from "./failure/failure.ts";
import { unreadable } from "./failure/unreadable.ts";
import { MIB, readAtMost } from "./read-at-most.ts";

/** Reads options that hold secrets. */
export interface SecretReader {
  /**
   * The value itself, or what stands in the file that `@FILE` names, or on standard input for `@-`; one line break at
   * its end is dropped.
   *
   * @param option how the option is written, for messages.
   * @throws Failure when there is nothing to be read.
   */
  read(option: string, given: string): Promise<string>;
  /** Notes that an option takes standard input, and refuses a second one. */
  claimInput(option: string): Readable;
}

/** For who meant something else than a file. */
export const AT_SIGN = "Behind @ stands the path of a file, taken as it is written, or - for standard input.";

export function createSecretReader(stdin: Readable): SecretReader {
  let claimedBy: string | undefined;
  const claimInput = (option: string): Readable => {
    if (claimedBy !== undefined) {
      throw new Failure(
        `${option}: standard input goes to ${claimedBy} already`,
        "One option at most can read standard input: put the other value into a file and write @FILE.",
      );
    }
    claimedBy = option;
    return stdin;
  };
  return {
    claimInput,
    async read(option, given) {
      if (!given.startsWith("@")) return given;
      const isInput = given === "@-";
      const source = isInput ? claimInput(option) : createReadStream(given.slice(1));
      const name = isInput ? "standard input" : given.slice(1);
      const text = decode(await readBytes(source, option, name), option, name).replace(/\r?\n$/, "");
      if (text === "") throw new Failure(`${option}: ${name} is empty`);
      return text;
    },
  };
}

async function readBytes(source: Readable, option: string, name: string): Promise<Buffer> {
  const bytes = await readAtMost(source, MIB).catch((cause: unknown) => {
    throw unreadable(option, name, cause, AT_SIGN);
  });
  if (bytes === undefined) throw new Failure(`${option}: ${name} is over 1 MiB`);
  return bytes;
}

function decode(bytes: Buffer, option: string, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Failure(`${option}: ${name} is not text in UTF-8`, undefined, { cause });
  }
}
