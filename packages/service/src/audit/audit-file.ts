import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from "node:fs";
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
  /** Opens the path again if another file is there now. @throws the error of the system; the file stays the one before. */
  reopen(): "same" | "opened";
  /** Resolves when all that was written is on disk. @throws the error of the system. */
  sync(): Promise<void>;
  close(): void;
}

/** Appended to, by several processes: each write is at the end. Without waiting for a reader, if it should be a pipe. */
const FLAGS =
  constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Only the user who runs the service may read who did what. */
const MODE = 0o600;

const NEWLINE = 0x0a;

/**
 * Opens the file, and makes it if it is not there. On a full disk that is put off until the first write that finds space.
 *
 * @throws the error of the system, or NotAFileError.
 */
export function openAuditFile(path: string): AuditFile {
  let descriptor = openUnlessFull(path);
  /** Whether the name of a file that was made is on disk. */
  let isNamed = false;
  /** The flush that is in progress, or the last one; absent: flushes are not asked for. */
  let flushing: Promise<unknown> | undefined;
  /** The error of a flush that no one has waited for. */
  let failure: unknown;

  /** What was written to it and not flushed yet would be flushed by no one. */
  const leave = (left: number): void => {
    if (flushing === undefined) return closeSync(left);
    try {
      fdatasyncSync(left);
    } catch (error) {
      failure = error;
    }
    // Another file may get the number of a descriptor that is closed during a flush.
    void flushing.finally(() => closeSync(left)).catch(() => undefined);
  };
  return {
    write(bytes) {
      try {
        descriptor ??= open(path);
        return writeSync(descriptor, bytes);
      } catch {
        return 0;
      }
    },
    endsWithinLine() {
      if (descriptor === undefined) return false;
      const { size } = fstatSync(descriptor);
      if (size === 0) return false;
      const last = Buffer.alloc(1);
      return readSync(descriptor, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
    },
    reopen() {
      if (descriptor !== undefined && isThere(path, descriptor)) return "same";
      const opened = open(path);
      if (descriptor !== undefined) leave(descriptor);
      descriptor = opened;
      isNamed = false;
      return "opened";
    },
    async sync() {
      if (descriptor === undefined) throw new Error("the file is not open");
      const flushed = flush(descriptor);
      flushing = flushed.catch(() => undefined);
      await flushed;
      if (!isNamed) await syncDirectory(dirname(path));
      isNamed = true;
      const missed = failure;
      failure = undefined;
      if (missed !== undefined) throw missed;
    },
    close() {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

/** The path leads to something that lines cannot be read from again. */
export class NotAFileError extends Error {
  override readonly name = "NotAFileError";
  readonly code = "not_a_file";
}

const flush = promisify(fdatasync);

function openUnlessFull(path: string): number | undefined {
  try {
    return open(path);
  } catch (error) {
    if (hasCode(error, "ENOSPC") || hasCode(error, "EDQUOT")) return undefined;
    throw error;
  }
}

function open(path: string): number {
  const descriptor = openSync(path, FLAGS, MODE);
  const status = fstatSync(descriptor);
  // A device is the operator's choice: what is written to it cannot be verified.
  if (status.isFile() || status.isCharacterDevice()) return descriptor;
  closeSync(descriptor);
  throw new NotAFileError(`${path} is no file`);
}

function isThere(path: string, descriptor: number): boolean {
  const open = fstatSync(descriptor);
  try {
    const there = statSync(path);
    return there.ino === open.ino && there.dev === open.dev;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}
