import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { RequestData } from "../../command-line/command.ts";
import { unreadable } from "../../failure/unreadable.ts";
import { AT_SIGN } from "../../secret.ts";

/** A body that is ready to be sent. */
export interface Body {
  readonly source: Readable;
  /** Bytes; absent for what only its end will tell. */
  readonly length: number | undefined;
  /** What it is, for messages. */
  readonly name: string;
}

/**
 * Opens a body without reading it: what is not there is known before anything is sent.
 *
 * @throws Failure for a file that cannot be opened.
 */
export async function openBody(data: RequestData, stdin: Readable): Promise<Body> {
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

async function openFile(path: string): Promise<Body> {
  try {
    const file = await open(path);
    const status = await file.stat();
    if (status.isDirectory()) {
      await file.close();
      throw Object.assign(new Error("a directory"), { code: "EISDIR" });
    }
    // A pipe or a device has no size; a file that grows meanwhile is sent as far as was announced.
    if (!status.isFile()) return { source: file.createReadStream(), length: undefined, name: path };
    const source = status.size === 0 ? Readable.from([]) : file.createReadStream({ end: status.size - 1 });
    return { source, length: status.size, name: path };
  } catch (cause) {
    throw unreadable("--data", path, cause, AT_SIGN);
  }
}
