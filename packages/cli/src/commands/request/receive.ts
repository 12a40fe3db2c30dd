import { createWriteStream } from "node:fs";
import type { IncomingMessage } from "node:http";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { CliError } from "../../errors/cli-error.ts";
import type { Io } from "../../io.ts";
import { escapeStream } from "./escape-stream.ts";

const LINE_BREAK = 0x0a;

/**
 * Writes the response as it arrives, with backpressure.
 *
 * @throws CliError when the response ends prematurely, or the file cannot be written.
 */
export async function receive(
  response: IncomingMessage,
  {
    file,
    isHeadShown,
    isRaw,
  }: { readonly file: string | undefined; readonly isHeadShown: boolean; readonly isRaw: boolean },
  { stdout }: Pick<Io, "stdout">,
): Promise<void> {
  const head = isHeadShown ? formatHead(response) : Buffer.alloc(0);
  if (file !== undefined) return writeFile(file, head, response);
  return stdout.isTTY === true && !isRaw
    ? writeToTerminal(head, response, stdout)
    : writeTo(head, response, stdout);
}

/** On a terminal, a target's response must not move the cursor, change the title or type input. */
async function writeToTerminal(head: Buffer, response: IncomingMessage, stdout: Io["stdout"]): Promise<void> {
  const escaped = escapeStream();
  escaped.pipe(stdout, { end: false });
  try {
    await writeTo(head, response, Object.assign(escaped, { isTTY: true }));
  } finally {
    escaped.end();
    await finished(escaped);
  }
}

async function writeTo(head: Buffer, response: IncomingMessage, stdout: Io["stdout"]): Promise<void> {
  let last: number | undefined;
  response.on("data", (bytes: Buffer) => {
    last = bytes.at(-1) ?? last;
  });
  stdout.write(head);
  const failure = await copy(response, stdout);
  if (failure !== undefined) throw failure;
  // Otherwise the shell's prompt would follow on the last line.
  if (stdout.isTTY === true && last !== undefined && last !== LINE_BREAK) stdout.write("\n");
}

async function writeFile(path: string, head: Buffer, response: IncomingMessage): Promise<void> {
  const file = createWriteStream(path);
  file.once("error", () => response.destroy());
  const finishedWriting = finished(file);
  file.write(head);
  const [failure] = await Promise.all([
    copy(response, file).finally(() => file.end()),
    finishedWriting,
  ]).catch((cause: unknown) => {
    const hint = "Name a file in a directory that this user may write to.";
    throw new CliError(`--output: ${path} cannot be written`, hint, { cause });
  });
  if (failure !== undefined) throw failure;
}

/**
 * Copies with a pipe, since iteration would drop the data that arrived just before an abort.
 *
 * @returns the error if the response is incomplete.
 */
async function copy(response: IncomingMessage, sink: Writable): Promise<CliError | undefined> {
  response.pipe(sink, { end: false });
  try {
    await finished(response);
  } catch (cause) {
    return new CliError(
      "the response ended prematurely",
      "The output is incomplete. Try again, if the request may be made twice.",
      { cause },
    );
  }
  return undefined;
}

function formatHead({ httpVersion, statusCode, statusMessage, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`HTTP/${httpVersion} ${statusCode} ${statusMessage}`];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}
