import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { Failure } from "./failure.ts";

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

/** More than any capability, key or certificate chain; an endless file must not fill the memory. */
const LONGEST_SECRET = 1 << 20;

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
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of source) {
      const bytes = Buffer.from(chunk);
      chunks.push(bytes);
      length += bytes.length;
      if (length > LONGEST_SECRET) break;
    }
  } catch (cause) {
    throw unreadable(option, name, cause);
  }
  if (length > LONGEST_SECRET) throw new Failure(`${option}: ${name} is over 1 MiB`);
  return Buffer.concat(chunks);
}

function decode(bytes: Buffer, option: string, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Failure(`${option}: ${name} is not text in UTF-8`, undefined, { cause });
  }
}

/** A file that was named and cannot be read, in words. */
export function unreadable(option: string, name: string, cause: unknown): Failure {
  const next = "Behind @ stands the path of a file, taken as it is written, or - for standard input.";
  return new Failure(`${option}: ${name} cannot be read: ${reasonOf(cause)}`, next, { cause });
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
    case "EPERM":
      return "this user may not";
    case "EISDIR":
      return "it is a directory";
    default:
      return typeof code === "string" ? code : "it failed";
  }
}
