import type { Schedule } from "../collections/scheduled-once.ts";
import { createScheduledOnce } from "../collections/scheduled-once.ts";
import type { AuditHead } from "../domain/audit-head.ts";
import type { AuditFile } from "./audit-file.ts";
import type { AuditKeys, ChainState, Entry, Link } from "./chain.ts";
import { CHAIN_START, link } from "./chain.ts";

/** How much may wait for a file that cannot be written, in bytes. Half of it is for revokes alone. */
export const MAX_QUEUED_BYTES: number = 256 * 1024;

/** How long a line may wait for others that are written with it, and how long until a write that failed is repeated, in ms. */
const SOON_MS = 50;
const RETRY_MS = 1_000;

/** What a line is for. A revoke is carried out although it cannot be recorded: more room is kept for its lines. */
export type EntryClass = "revoke" | "other";

export interface AuditWriterOptions {
  /** 32 hex digits, new for each process. */
  readonly id: string;
  readonly keys: AuditKeys;
  readonly file: Pick<AuditFile, "write" | "endsWithinLine">;
  /** The time of day in milliseconds since 1970. */
  readonly now: () => number;
  readonly schedule: Schedule;
  /** Called after lines were written. */
  readonly onWritten?: () => void;
  /** Called when nothing can be written any more, and when it can again. */
  readonly onStateChanged?: (event: { readonly state: "failing" | "written" }) => void;
}

/**
 * Writes the lines of one process. It never throws and never waits: a line that cannot be written is kept for a while, and then
 * counted; the count is a line too, in its place. What could not be written has no number in the chain yet.
 */
export interface AuditWriter {
  /** Writes a line soon. */
  record(event: string, fields: object, kind?: EntryClass): void;
  /**
   * Writes a line, after all that wait, at once.
   *
   * @returns its head; nothing if it could not be written. It is kept for later then, if `keep` says so.
   */
  recordNow(event: string, fields: object, options: RecordOptions): AuditHead | undefined;
  /** The last line in the file. */
  head(): AuditHead;
  /** Tries to write all that waits. @returns whether nothing is left. */
  flush(): boolean;
  /** To be called when the file is another one: its first line says what the chain continues, since older files may be removed. */
  reopened(): void;
  /** How long nothing could be written, or else the oldest line has been waiting, in milliseconds. */
  lagMs(): number;
  /** Whether the last attempt to write has left something. */
  readonly isFailing: boolean;
  /** Lines that were dropped since the start. */
  readonly lostLines: number;
}

export interface RecordOptions {
  readonly kind: EntryClass;
  readonly keep: boolean;
}

const NEWLINE = Buffer.from("\n");

export function createAuditWriter(options: AuditWriterOptions): AuditWriter {
  const {
    id,
    keys,
    file,
    now,
    schedule,
    onWritten = () => undefined,
    onStateChanged = () => undefined,
  } = options;
  const startedAt = now();
  let chain: ChainState = CHAIN_START;
  let headTime = startedAt;
  let queue: Entry[] = [];
  let queuedBytes = 0;
  let lost = { lines: 0, revokes: 0 };
  let lostLines = 0;
  let failingSince: number | undefined;
  /** The file has no line of this writer yet. */
  let isOpening = true;
  /** The file ends within a line, of this process or of one that was killed. */
  let isCut = file.endsWithinLine();

  const entryOf = (event: string, fields: object): Entry => ({
    event,
    time: now(),
    fields: JSON.stringify(fields),
  });
  const openingEntry = (): Entry =>
    entryOf("opened", {
      started: new Date(startedAt).toISOString(),
      previous: chain.sequence === 0 ? undefined : chain.mac.toString("hex"),
    });
  const push = (entry: Entry): void => {
    queue.push(entry);
    queuedBytes += entry.fields.length;
  };
  const wait = createScheduledOnce(schedule, () => void flush());
  /** @returns how many entries are whole in the file, except the newline of the last one. */
  const settle = (entries: readonly Entry[], links: readonly Link[], written: number): number => {
    let offset = isCut ? NEWLINE.length : 0;
    let count = 0;
    if (written >= offset) isCut = false;
    for (const { state, line } of links) {
      if (offset + line.length - NEWLINE.length > written) break;
      offset += line.length;
      chain = state;
      count += 1;
    }
    isCut ||= written !== offset && written > 0;
    headTime = entries[count - 1]?.time ?? headTime;
    if (count > 0) onWritten();
    return count;
  };
  /** @returns whether all of these are in the file. In one write: lines of other processes come before or after it. */
  const writeBatch = (entries: readonly Entry[]): boolean => {
    const { length } = entries;
    const links: Link[] = [];
    for (const entry of entries) links.push(link(links.at(-1)?.state ?? chain, id, entry, keys));
    const lines = links.map(({ line }) => line);
    const count = settle(entries, links, file.write(Buffer.concat(isCut ? [NEWLINE, ...lines] : lines)));
    const opened = isOpening && count > 0 ? 1 : 0;
    if (opened > 0) isOpening = false;
    for (const { fields } of queue.splice(0, count - opened)) queuedBytes -= fields.length;
    return count === length;
  };
  /** @returns whether the queue is empty. */
  const writeQueue = (): boolean => {
    // As long as nothing can be written, each attempt costs one line.
    if (isOpening && !writeBatch([openingEntry()])) return false;
    const [first] = queue;
    if (failingSince !== undefined && first !== undefined && !writeBatch([first])) return false;
    return queue.length === 0 || writeBatch(queue);
  };
  const flush = (): boolean => {
    let isWritten = writeQueue();
    if (isWritten && lost.lines > 0) {
      push(entryOf("lost", lost));
      lost = { lines: 0, revokes: 0 };
      isWritten = writeQueue();
    }
    if (!isWritten) wait(RETRY_MS);
    const wasWritten = failingSince === undefined;
    failingSince = isWritten ? undefined : (failingSince ?? now());
    if (isWritten !== wasWritten) onStateChanged({ state: isWritten ? "written" : "failing" });
    return isWritten;
  };
  const hasRoom = ({ fields }: Entry, kind: EntryClass): boolean =>
    lost.lines === 0 &&
    queuedBytes + fields.length <= (kind === "revoke" ? MAX_QUEUED_BYTES : MAX_QUEUED_BYTES / 2);
  const lose = (kind: EntryClass): void => {
    lostLines += 1;
    lost = { lines: lost.lines + 1, revokes: lost.revokes + (kind === "revoke" ? 1 : 0) };
    wait(RETRY_MS);
  };
  /** @returns whether the line waits now. */
  const enqueue = (entry: Entry, kind: EntryClass): boolean => {
    const isAccepted = hasRoom(entry, kind) || (flush() && hasRoom(entry, kind));
    if (isAccepted) push(entry);
    return isAccepted;
  };
  const head = (): AuditHead => ({
    writer: id,
    sequence: chain.sequence,
    mac: chain.mac,
    time: headTime,
    startedAt,
  });

  return {
    record(event, fields, kind = "other") {
      if (enqueue(entryOf(event, fields), kind)) wait(SOON_MS);
      else lose(kind);
    },
    recordNow(event, fields, { kind, keep }) {
      const entry = entryOf(event, fields);
      if (enqueue(entry, kind)) {
        if (flush()) return head();
        if (keep || queue.at(-1) !== entry) return undefined;
        queue.pop();
        queuedBytes -= entry.fields.length;
      } else if (keep) lose(kind);
      return undefined;
    },
    head,
    flush,
    reopened() {
      isOpening = true;
      // What was written in part is in the other file.
      isCut = file.endsWithinLine();
      flush();
    },
    lagMs() {
      const since = failingSince ?? queue[0]?.time;
      return since === undefined ? 0 : Math.max(0, now() - since);
    },
    get isFailing() {
      return failingSince !== undefined;
    },
    get lostLines() {
      return lostLines;
    },
  };
}
