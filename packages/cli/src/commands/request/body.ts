import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { BUFFERED_BODY_BYTES } from "capability-protocol/payload";
import { fileReadError } from "../../errors/file-error.ts";
import { AT_SIGN_HINT } from "../../secret.ts";
import type { RequestData } from "./read.ts";

/** A body that is ready to be sent. */
export interface OutgoingBody {
  readonly source: Readable;
  /** Length in bytes; absent if it is not known beforehand. */
  readonly length: number | undefined;
  /** Its name in messages. */
  readonly name: string;
  /** SHA-256 in hexadecimal digits, for a file that is larger than a service buffers to sign it. */
  readonly hash?: string;
}

/**
 * Opens a body, so that a missing file is found before anything is sent. A large file is read twice, first for its hash,
 * without which a signed target would not accept it.
 *
 * @throws CliError for a file that cannot be opened.
 */
export async function openBody(data: RequestData, stdin: Readable): Promise<OutgoingBody> {
  switch (data.kind) {
    case "text": {
      const bytes = Buffer.from(data.text);
      return { source: Readable.from([bytes]), length: bytes.length, name: "the data" };
    }
    case "input":
      return { source: stdin, length: undefined, name: "standard input" };
    case "file":
      return openFile(data.path);
  }
}

async function openFile(path: string): Promise<OutgoingBody> {
  try {
    const file = await open(path);
    try {
      return await openFileBody(file, path);
    } catch (error) {
      await file.close();
      throw error;
    }
  } catch (cause) {
    throw fileReadError("--data", path, cause, AT_SIGN_HINT);
  }
}

/** Opens a stream that owns the file and closes it: Node 26 ends a process that leaves a file handle open. */
async function openFileBody(file: FileHandle, name: string): Promise<OutgoingBody> {
  const status = await file.stat();
  if (status.isDirectory()) throw Object.assign(new Error("a directory"), { code: "EISDIR" });
  // A pipe or a device has no size. A file that grows meanwhile is sent up to the announced length.
  if (!status.isFile()) return { source: file.createReadStream(), length: undefined, name };
  if (status.size === 0) {
    await file.close();
    return { source: Readable.from([]), length: 0, name };
  }
  const part = { start: 0, end: status.size - 1 };
  const isLarge = status.size > BUFFERED_BODY_BYTES;
  const hash = isLarge ? await sha256Hex(file.createReadStream({ ...part, autoClose: false })) : undefined;
  const body = { source: file.createReadStream(part), length: status.size, name };
  return hash === undefined ? body : { ...body, hash };
}

async function sha256Hex(bytes: Readable): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest("hex");
}
