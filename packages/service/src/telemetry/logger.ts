import type { DestinationStream, Logger } from "pino";
import { pino } from "pino";

/** The first fields of every log line. */
interface LineStart {
  /** A word, as in `--log-level`. */
  readonly level: string;
  /** In UTC, with milliseconds (RFC 3339). */
  readonly time: string;
}

/** Makes a logger that writes one JSON object a line. Process id and host name are left to the log collector. */
export function createLogger(level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}

/** Formats a line without a logger, for a sink that reports on itself. */
export function formatLine(level: string, fields: object, msg: string, now: Date): string {
  const start: LineStart = { level, time: now.toISOString() };
  return `${JSON.stringify({ ...start, ...fields, msg })}\n`;
}
