import type { ParsedLine } from "./chain.ts";

/** What the first line of a writer in a file says of the lines before it. */
export interface OpenedLine {
  /** When the writer began, in milliseconds since 1970. */
  readonly startedAt: number;
  /** The MAC of the line before; absent in the first line of a writer. */
  readonly previous: Buffer | undefined;
}

const FIELDS = /,"event":"opened","started":"([0-9TZ:.-]{24})"(?:,"previous":"([0-9a-f]{64})")?$/;

/** @returns nothing for another line. */
export function parseOpenedLine({ event, text }: Pick<ParsedLine, "event" | "text">): OpenedLine | undefined {
  if (event !== "opened") return undefined;
  const [, started, previous] = FIELDS.exec(text.toString("latin1")) ?? [];
  if (started === undefined) return undefined;
  return {
    startedAt: Date.parse(started),
    previous: previous === undefined ? undefined : Buffer.from(previous, "hex"),
  };
}
