import { once } from "node:events";
import { createWriteStream } from "node:fs";
import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { Failure } from "../failure.ts";
import type { World } from "../world.ts";

const LINE_BREAK = 0x0a;

/**
 * Writes the answer as it comes, at the pace at which it is taken.
 *
 * @throws Failure when the answer breaks off, or the file cannot be written.
 */
export async function receive(
  response: IncomingMessage,
  { file, isHeadShown }: { readonly file?: string; readonly isHeadShown: boolean },
  { stdout }: Pick<World, "stdout">,
): Promise<void> {
  const head = isHeadShown ? [headOf(response)] : [];
  if (file !== undefined) return writeFile(file, head, response);
  for (const bytes of head) stdout.write(bytes);
  await print(response, stdout);
}

async function print(response: IncomingMessage, stdout: World["stdout"]): Promise<void> {
  let last: number | undefined;
  for await (const bytes of bytesOf(response)) {
    last = bytes.at(-1) ?? last;
    if (!stdout.write(bytes)) await once(stdout, "drain");
  }
  // The prompt of a shell would stand behind the last line.
  if (stdout.isTTY === true && last !== undefined && last !== LINE_BREAK) stdout.write("\n");
}

async function writeFile(
  file: string,
  head: readonly Uint8Array[],
  response: IncomingMessage,
): Promise<void> {
  try {
    await pipeline(async function* whole() {
      yield* head;
      yield* bytesOf(response);
    }, createWriteStream(file));
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    const next = "Name a file in a directory that this user may write to.";
    throw new Failure(`--output: ${file} cannot be written`, next, { cause });
  }
}

async function* bytesOf(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  const chunks: AsyncIterable<unknown> = response;
  try {
    for await (const chunk of chunks) if (chunk instanceof Uint8Array) yield chunk;
  } catch (cause) {
    throw new Failure(
      "the answer broke off before its end",
      "What came of it has been written, and is not all. Try again, if the request may be made twice.",
      { cause },
    );
  }
}

function headOf({ httpVersion, statusCode, statusMessage, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`HTTP/${httpVersion} ${statusCode} ${statusMessage}`];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}
