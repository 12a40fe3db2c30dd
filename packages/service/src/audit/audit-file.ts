import { closeSync, constants, fdatasync, fstatSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { hasCode } from "../error-code.ts";
import { syncDirectory } from "../private-files.ts";

/** The file that the lines of a process are appended to. */
export interface AuditFile {
  /** Appends what it can without waiting. @returns how many bytes were written; 0 if none could be. */
  write(bytes: Buffer): number;
  /** Whether the last line in the file has no end: a process was killed while it wrote, or the disk was full. */
  endsWithinLine(): boolean;
  /**
   * Opens the path again if another file is there now. Waits for no disk: the next flush is of the file before, too.
   *
   * @throws the error of the system, or TooManyFilesError; the file stays the one before.
   */
  reopen(): "same" | "opened";
  /**
   * Resolves when all that was written is on disk, in the order in which it was written. To be called again when it has ended.
   *
   * @throws the error of the system.
   */
  sync(): Promise<void>;
  close(): void;
}

/** Appended to, by several processes: each write is at the end. Without waiting for a reader, if it should be a pipe. */
const FLAGS =
  constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Only the user who runs the service may read who did what. */
const MODE = 0o600;

const NEWLINE = 0x0a;

/** How many files may wait for their flush: while a disk hangs, each rotation adds one. */
const MAX_LEFT = 8;

/**
 * Opens the file, and makes it if it is not there. On a full disk that is put off until the first write that finds space.
 *
 * @throws the error of the system, or NotAFileError.
 */
export function openAuditFile(path: string): AuditFile {
  let current = openUnlessFull(path);
  /** Files that were written to before, in their order, and not flushed since. */
  let left: OpenFile[] = [];
  /** Whether flushes are asked for at all. */
  let isFlushed = false;

  return {
    write(bytes) {
      try {
        current ??= open(path);
        return writeSync(current.descriptor, bytes);
      } catch {
        return 0;
      }
    },
    endsWithinLine() {
      if (current === undefined) return false;
      const { size } = fstatSync(current.descriptor);
      if (size === 0) return false;
      const last = Buffer.alloc(1);
      return readSync(current.descriptor, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
    },
    reopen() {
      if (current !== undefined && isThere(path, current)) return "same";
      if (left.length === MAX_LEFT) throw new TooManyFilesError("the disk has not taken the files before");
      const opened = open(path);
      if (current !== undefined) {
        if (isFlushed) left.push(current);
        else closeSync(current.descriptor);
      }
      current = opened;
      return "opened";
    },
    async sync() {
      if (current === undefined) throw new Error("the file is not open");
      isFlushed = true;
      const last = current;
      for (let first = left[0]; first !== undefined && first !== last; first = left[0]) {
        try {
          await flush(first.descriptor);
        } finally {
          // What a disk has refused is gone, and a second flush of it would say that all is well.
          if (left.shift() === first) closeSync(first.descriptor);
        }
      }
      await flush(last.descriptor);
      if (!last.isNamed) await syncDirectory(dirname(path));
      last.isNamed = true;
    },
    close() {
      for (const file of current === undefined ? left : [...left, current]) closeSync(file.descriptor);
      left = [];
      current = undefined;
    },
  };
}

interface OpenFile {
  readonly descriptor: number;
  /** Whether the name of a file that was made is on disk. */
  isNamed: boolean;
}

/** As many files have been moved away as may wait for their flush. */
export class TooManyFilesError extends Error {
  override readonly name = "TooManyFilesError";
  readonly code = "EMFILE";
}

/** The path leads to something that lines cannot be read from again. */
export class NotAFileError extends Error {
  override readonly name = "NotAFileError";
  readonly code = "not_a_file";
}

const flush = promisify(fdatasync);

function openUnlessFull(path: string): OpenFile | undefined {
  try {
    return open(path);
  } catch (error) {
    if (hasCode(error, "ENOSPC") || hasCode(error, "EDQUOT")) return undefined;
    throw error;
  }
}

function open(path: string): OpenFile {
  const descriptor = openSync(path, FLAGS, MODE);
  const status = fstatSync(descriptor);
  // A device is the operator's choice: what is written to it cannot be verified.
  if (status.isFile() || status.isCharacterDevice()) return { descriptor, isNamed: false };
  closeSync(descriptor);
  throw new NotAFileError(`${path} is not a file`);
}

function isThere(path: string, { descriptor }: OpenFile): boolean {
  const open = fstatSync(descriptor);
  try {
    const there = statSync(path);
    return there.ino === open.ino && there.dev === open.dev;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}
