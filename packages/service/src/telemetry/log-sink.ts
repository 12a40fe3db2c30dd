/** The result of one attempt to write: how many bytes were written, that it would block, or that it failed. */
export type WriteResult = number | "busy" | "failed";

/** Where log lines go. It never throws, never blocks, and keeps at most {@link MAX_BUFFERED_BYTES}. */
export interface LogSink {
  write(line: string): void;
  /** Tries once more to write what is kept. */
  flush(): void;
}

export interface LogSinkOptions {
  /** Tries to write once, without waiting. */
  readonly write: (bytes: Buffer) => WriteResult;
  /** The line that says how many lines were lost, with its end. */
  readonly describeLoss: (lines: number) => string;
  /** Calls back after a time in milliseconds, unless the process ends before. */
  readonly schedule: (act: () => void, ms: number) => void;
}

/** How much is kept while nothing is read, in bytes. */
export const MAX_BUFFERED_BYTES: number = 256 * 1024;

/** After how long a write that would block, or that failed, is tried again, in milliseconds. */
const BUSY_RETRY_MS = 50;
const FAILED_RETRY_MS = 1_000;

/** A line, or the notice of lines that were lost. */
interface BufferedLine {
  readonly lines: number;
  bytes: Buffer;
  isBegun: boolean;
}

/**
 * Drops and counts lines that cannot be written, and logs the count as soon as writing works again. A full disk, a closed
 * pipe or one that is not read must neither end nor delay the service: a revoke is logged before its answer.
 */
export function createLogSink({ write, describeLoss, schedule }: LogSinkOptions): LogSink {
  let entries: BufferedLine[] = [];
  let bufferedBytes = 0;
  let lost = 0;
  let isCut = false;
  let isWaiting = false;

  const buffer = (text: string, lines: number): void => {
    const bytes = Buffer.from(text);
    entries.push({ lines, bytes, isBegun: false });
    bufferedBytes += bytes.length;
  };
  const retry = (ms: number): void => {
    if (isWaiting) return;
    isWaiting = true;
    schedule(() => {
      isWaiting = false;
      flush();
    }, ms);
  };
  const drop = (): void => {
    isCut ||= entries.some(({ isBegun }) => isBegun);
    lost += entries.reduce((sum, { lines }) => sum + lines, 0);
    entries = [];
    bufferedBytes = 0;
    retry(FAILED_RETRY_MS);
  };
  /** @returns whether all that is kept is written. */
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
  /** The notice comes after all lines that were kept, and before all that come later. */
  const flush = (): boolean => {
    if (!writeBuffered()) return false;
    if (lost === 0) return true;
    // The next line must not continue a line that was cut.
    buffer(`${isCut ? "\n" : ""}${describeLoss(lost)}`, lost);
    lost = 0;
    return writeBuffered();
  };

  return {
    write(line) {
      flush();
      if (lost > 0 || bufferedBytes + line.length > MAX_BUFFERED_BYTES) {
        lost += 1;
        return;
      }
      buffer(line, 1);
      flush();
    },
    flush: () => void flush(),
  };
}
