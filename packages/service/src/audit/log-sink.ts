/** The result of one attempt to write: how many bytes were written, that it would block, or that it failed. */
export type Written = number | "busy" | "failed";

/** Where log lines go. It never throws, never blocks, and keeps at most {@link KEPT_BYTES}. */
export interface LogSink {
  write(line: string): void;
  /** Tries once more to write what is kept. */
  flush(): void;
}

export interface LogSinkOptions {
  /** Tries to write once, without waiting. */
  readonly out: (bytes: Buffer) => Written;
  /** The line that says how many lines were lost, with its end. */
  readonly describeLoss: (lines: number) => string;
  /** Calls back after a time in milliseconds, unless the process ends before. */
  readonly later: (act: () => void, ms: number) => void;
}

/** How much is kept while nothing is read, in bytes. */
export const KEPT_BYTES: number = 256 * 1024;

/** After how long a write that would block, or that failed, is tried again, in milliseconds. */
const BUSY_MS = 50;
const FAILED_MS = 1_000;

/** A line, or the notice of lines that were lost. */
interface Entry {
  readonly lines: number;
  bytes: Buffer;
  isBegun: boolean;
}

/**
 * Drops and counts lines that cannot be written, and logs the count as soon as writing works again. A full disk, a closed
 * pipe or one that is not read must neither end nor delay the service: a revoke is logged before its answer.
 */
export function createLogSink({ out, describeLoss, later }: LogSinkOptions): LogSink {
  let entries: Entry[] = [];
  let keptBytes = 0;
  let lost = 0;
  let isCut = false;
  let isWaiting = false;

  const keep = (text: string, lines: number): void => {
    const bytes = Buffer.from(text);
    entries.push({ lines, bytes, isBegun: false });
    keptBytes += bytes.length;
  };
  const retry = (ms: number): void => {
    if (isWaiting) return;
    isWaiting = true;
    later(() => {
      isWaiting = false;
      flush();
    }, ms);
  };
  const drop = (): void => {
    isCut ||= entries.some(({ isBegun }) => isBegun);
    lost += entries.reduce((sum, { lines }) => sum + lines, 0);
    entries = [];
    keptBytes = 0;
    retry(FAILED_MS);
  };
  /** @returns whether all that is kept is written. */
  const writeKept = (): boolean => {
    for (let entry = entries[0]; entry !== undefined; entry = entries[0]) {
      const written = out(entry.bytes);
      if (written === "busy") retry(BUSY_MS);
      if (written === "failed") drop();
      if (typeof written !== "number") return false;
      keptBytes -= written;
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
    if (!writeKept()) return false;
    if (lost === 0) return true;
    // The next line must not continue a line that was cut.
    keep(`${isCut ? "\n" : ""}${describeLoss(lost)}`, lost);
    lost = 0;
    return writeKept();
  };

  return {
    write(line) {
      flush();
      if (lost > 0 || keptBytes + line.length > KEPT_BYTES) {
        lost += 1;
        return;
      }
      keep(line, 1);
      flush();
    },
    flush: () => void flush(),
  };
}
