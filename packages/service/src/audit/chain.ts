import { timingSafeEqual } from "node:crypto";

/** The MACs of lines, under a key that is derived from the service key. */
export interface AuditKeys {
  /** The version of the service key. */
  readonly keyVersion: number;
  /** @param previous the MAC of the writer's line before this one. */
  auditMac(previous: Uint8Array, line: Uint8Array): Buffer;
}

/** What the next line of a writer continues. */
export interface ChainState {
  /** Of its latest line; 0 before the first one. */
  readonly sequence: number;
  readonly mac: Buffer;
}

/** What a line says, besides what makes it a link of a chain. */
export interface Entry {
  readonly event: string;
  /** In milliseconds since 1970. */
  readonly time: number;
  /** Further fields, as JSON of one object. */
  readonly fields: string;
}

/** A line that continues a chain. */
export interface Link {
  readonly state: ChainState;
  /** With its newline. */
  readonly line: Buffer;
}

const MAC_BYTES = 32;

/** What the first line of a writer continues. */
export const CHAIN_START: ChainState = { sequence: 0, mac: Buffer.alloc(MAC_BYTES) };

/** Longer than any line that is written: a name in it has a limit, and so has a lineage. */
export const MAX_LINE_BYTES: number = 64 * 1024;

/** How every line begins. No text within a line has it, since JSON escapes quotes. */
export const LINE_START = '{"time":"';

/**
 * Makes the next line of a writer. The MAC at its end covers all bytes before it, and the MAC of the line before: to change, remove,
 * insert or reorder lines of a writer takes the key.
 */
export function link(state: ChainState, writer: string, entry: Entry, keys: AuditKeys): Link {
  const sequence = state.sequence + 1;
  const time = new Date(entry.time).toISOString();
  const head = `${LINE_START}${time}","writer":"${writer}","seq":${sequence},"key":${keys.keyVersion},"event":"${entry.event}"`;
  const fields = entry.fields === "{}" ? "" : `,${entry.fields.slice(1, -1)}`;
  const text = Buffer.from(head + fields);
  const mac = keys.auditMac(state.mac, text);
  return {
    state: { sequence, mac },
    line: Buffer.concat([text, Buffer.from(`,"mac":"${mac.toString("hex")}"}\n`)]),
  };
}

/** A line that has the form of one. Whether it was written by a writer, {@link continues} says. */
export interface ParsedLine {
  readonly writer: string;
  readonly sequence: number;
  readonly keyVersion: number;
  readonly event: string;
  /** In milliseconds since 1970. */
  readonly time: number;
  /** What the MAC covers. */
  readonly text: Buffer;
  readonly mac: Buffer;
}

const HEAD =
  /^\{"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)","writer":"([0-9a-f]{32})","seq":([1-9]\d{0,14}),"key":([1-9]\d{0,8}),"event":"([a-z-]{1,32})"/;
const TAIL = /^,"mac":"([0-9a-f]{64})"\}$/;
const TAIL_LENGTH = ',"mac":""}'.length + 2 * MAC_BYTES;
const MAX_HEAD_LENGTH = 192;

/** @param line without its newline. @returns nothing for what no writer has written as a line. */
export function parseLine(line: Buffer): ParsedLine | undefined {
  const text = line.subarray(0, Math.max(0, line.length - TAIL_LENGTH));
  const [, mac] = TAIL.exec(line.toString("latin1", text.length)) ?? [];
  const head = HEAD.exec(text.toString("latin1", 0, Math.min(text.length, MAX_HEAD_LENGTH)));
  const [, time = "", writer = "", sequence, keyVersion, event = ""] = head ?? [];
  if (mac === undefined || head === null) return undefined;
  return {
    writer,
    sequence: Number(sequence),
    keyVersion: Number(keyVersion),
    event,
    time: Date.parse(time),
    text,
    mac: Buffer.from(mac, "hex"),
  };
}

/** Whether a line is the one that a writer has written after another one. */
export function continues(
  previous: Buffer,
  { text, mac }: Pick<ParsedLine, "text" | "mac">,
  keys: AuditKeys,
): boolean {
  return timingSafeEqual(keys.auditMac(previous, text), mac);
}
