import type { Schedule } from "../collections/scheduled-once.ts";
import { createScheduledOnce } from "../collections/scheduled-once.ts";

/** The result of one attempt to write: how many bytes were written, that it would block, or that it failed. */
export type WriteResult = number | "busy" | "failed";

/** A destination of log lines that never throws, never blocks, and keeps at most {@link MAX_BUFFERED_BYTES}. */
export interface LogSink {
  write(line: string): void;
  /** How many lines were lost since the start. */
  readonly lostLines: number;
  /** Tries once more to write the lines that are kept. */
  flush(): void;
}

export interface LogSinkOptions {
  /** Tries once to write, without waiting. */
  readonly write: (bytes: Buffer) => WriteResult;
  /** Formats the line that says how many lines were lost, with its newline. */
  readonly describeLoss: (lines: number) => string;
  readonly schedule: Schedule;
}

/** How much is kept while the log is not read, in bytes. */
export const MAX_BUFFERED_BYTES: number = 256 * 1024;

/** When a write is repeated that would have blocked, or that failed, in milliseconds. */
const BUSY_RETRY_MS = 50;
const FAILED_RETRY_MS = 1_000;

/** A line of the log, or a notice of lost lines. */
interface BufferedLine {
  /** How many lines are lost if it cannot be written. */
  readonly lines: number;
  /** Of these, those that were not lost before. */
  readonly newLines: number;
  bytes: Buffer;
  isBegun: boolean;
}

/**
 * Drops and counts lines that cannot be written, and logs the count as soon as writing works again. A full disk or a pipe that
 * is closed or not read must neither end nor delay the service: a revoke is logged before its response.
 */
export function createLogSink({ write, describeLoss, schedule }: LogSinkOptions): LogSink {
  let entries: BufferedLine[] = [];
  let bufferedBytes = 0;
  let lost = 0;
  let lostLines = 0;
  let isCut = false;

  const buffer = (text: string, counts: Pick<BufferedLine, "lines" | "newLines">): void => {
    const bytes = Buffer.from(text);
    entries.push({ ...counts, bytes, isBegun: false });
    bufferedBytes += bytes.length;
  };
  const retry = createScheduledOnce(schedule, () => void flush());
  const drop = (): void => {
    isCut ||= entries.some(({ isBegun }) => isBegun);
    lost += entries.reduce((sum, { lines }) => sum + lines, 0);
    lostLines += entries.reduce((sum, { newLines }) => sum + newLines, 0);
    entries = [];
    bufferedBytes = 0;
    retry(FAILED_RETRY_MS);
  };
  /** @returns whether all lines that were kept are written. */
  const writeBuffered = (): boolean => {
    for (let entry = entries[0]; entry !== undefined; entry = entries[0]) {
      const written = write(entry.bytes);
      if (written === "busy") retry(BUSY_RETRY_MS);
      if (written === "failed") drop();
      if (typeof written !== "number") return false;
      bufferedBytes -= written;
      entry.bytes = entry.bytes.subarray(written);
      entry.isBegun = true;
      if (entry.bytes.length > 0) continue;
      entries.shift();
      isCut = false;
    }
    return true;
  };
  /** Writes the kept lines, and then the notice of the lost ones. */
  const flush = (): boolean => {
    if (!writeBuffered()) return false;
    if (lost === 0) return true;
    // The next line must not continue a line that was written in part.
    buffer(`${isCut ? "\n" : ""}${describeLoss(lost)}`, { lines: lost, newLines: 0 });
    lost = 0;
    return writeBuffered();
  };

  return {
    write(line) {
      flush();
      if (lost > 0 || bufferedBytes + line.length > MAX_BUFFERED_BYTES) {
        lost += 1;
        lostLines += 1;
        return;
      }
      buffer(line, { lines: 1, newLines: 1 });
      flush();
    },
    get lostLines() {
      return lostLines;
    },
    flush: () => void flush(),
  };
}
