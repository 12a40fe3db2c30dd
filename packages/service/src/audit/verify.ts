import type { AuditHead, StoredAuditHeads } from "../domain/audit-head.ts";
import type { AuditKeys, ChainState, ParsedLine } from "./chain.ts";
import { CHAIN_START, continues, LINE_START, MAX_LINE_BYTES, parseLine } from "./chain.ts";
import { MAX_WRITERS } from "./head-keeper.ts";
import { parseOpenedLine } from "./opened-line.ts";
import { findTorn } from "./torn-line.ts";
import { createUnverifiableLines } from "./unverifiable-lines.ts";

/** Where a line is. */
export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** Something that is not as it was written; without a place it is about no line that is there. */
export interface TrailProblem {
  readonly place?: Place | undefined;
  readonly what: string;
}

export interface Verification {
  /** How many lines are as they were written. */
  readonly lines: number;
  readonly writers: number;
  /** Lines that were not written whole. What they say is not authenticated. */
  readonly torn: readonly Place[];
  /** How many writers the store does not know, or not any more: what was cut off at their ends is not missed. */
  readonly unknownWriters: number;
  /** How many writers ended before the time from which on all must be there, and have no line. */
  readonly earlierWriters: number;
  /** The time from which on all had to be there, in milliseconds since 1970; 0: from the start. */
  readonly since: number;
}

/** Checks lines one after the other, in the order of the trail. Its memory grows with the writers, not with their lines. */
export interface Verifier {
  line(bytes: Buffer, place: Place): void;
  /** To be called after the last line. */
  finish(): Verification;
}

export interface VerifierOptions {
  /** Also the older ones, under which lines were written before. */
  readonly keys: AuditKeys & { readonly older: readonly AuditKeys[] };
  /** Read from the store before the lines are: what is written meanwhile is not a problem then. */
  readonly heads: StoredAuditHeads;
  /**
   * All that was written since this time must be there, in milliseconds since 1970. Absent: since the earliest of the first
   * lines of writers, or from the start if there is none. Only lines that are as they were written count: anyone who can write to the
   * file could choose another time.
   */
  readonly since: number | undefined;
  readonly onProblem: (problem: TrailProblem) => void;
}

/** A writer, as far as its lines were read. */
interface WriterState {
  /** The last line that continues the chain; 0: none yet. */
  sequence: number;
  mac: Buffer;
  /** A process has one newest service key; absent: no line was read yet. */
  keyVersion: number | undefined;
  /** Of the last line that continues the chain, in milliseconds since 1970. */
  time: number;
  place: Place | undefined;
  /** A line that does not continue it. If the next one continues that line, what was before it is missing or was changed. */
  suspect: ChainState | undefined;
  /** The place of a line that was not written whole, or was changed to look so. */
  torn: Place | undefined;
}

/** The first line of a writer that is here, which says that there were lines before it. */
interface Continued {
  readonly line: ParsedLine;
  readonly startedAt: number;
  readonly place: Place;
}

/** Writers of which no line was authenticated: anyone who can write to a file could name any number of them. */
const MAX_SUSPECTS = 4_096;

export function createVerifier({ keys, heads, since: required, onProblem }: VerifierOptions): Verifier {
  const keysOf = new Map([keys, ...keys.older].map((each) => [each.keyVersion, each]));
  const known = newestHeads(heads.heads);
  const unverifiable = createUnverifiableLines(keys.keyVersion);
  const writers = new Map<string, WriterState>();
  const torn: Place[] = [];
  const continued: Continued[] = [];
  let earliest = Number.POSITIVE_INFINITY;
  let lines = 0;
  let suspects = 0;

  const report = (place: Place | undefined, what: string): void => onProblem({ place, what });
  /** Anyone who has stolen that key, as may be why it was rotated away, can write such lines at any time. */
  const isRotatedAway = ({ keyVersion }: WriterState): boolean =>
    keyVersion !== undefined && keyVersion < keys.keyVersion;
  /** Whether the store would know of the writer by now, unless that has failed: it forgets those that wrote first. */
  const forgottenUntil =
    known.size + heads.damaged < MAX_WRITERS
      ? 0
      : Math.min(...Array.from(known.values(), ({ time }) => time));
  const isRemembered = ({ time }: WriterState): boolean => time > forgottenUntil;

  const accept = (state: WriterState, line: ParsedLine, place: Place): void => {
    lines += 1;
    const { sequence, mac, keyVersion, time } = line;
    Object.assign(state, { sequence, mac, keyVersion, time, place, torn: undefined });
    if (state.suspect !== undefined && state.suspect.sequence <= line.sequence) state.suspect = undefined;
    const head = known.get(line.writer);
    if (head?.sequence === line.sequence && !head.mac.equals(line.mac))
      report(place, `${nameOf(line)} is not the one that the store knows of`);
  };

  /** The first line of a writer says what it continues, if lines before it may be in files that are gone. */
  const begin = (line: ParsedLine, place: Place, key: AuditKeys): void => {
    const opened = parseOpenedLine(line);
    const isFirst = line.sequence === CHAIN_START.sequence + 1;
    const previous = isFirst ? CHAIN_START.mac : opened?.previous;
    const state: WriterState = {
      sequence: 0,
      mac: CHAIN_START.mac,
      keyVersion: undefined,
      time: 0,
      place: undefined,
      suspect: undefined,
      torn: undefined,
    };
    if (previous !== undefined && continues(previous, line, key)) {
      writers.set(line.writer, state);
      earliest = Math.min(earliest, line.time);
      if (!isFirst && opened !== undefined) continued.push({ line, startedAt: opened.startedAt, place });
      return accept(state, line, place);
    }
    report(
      place,
      isFirst || opened !== undefined
        ? `${nameOf(line)} is not what was written`
        : `${nameOf(line)} is the first one here: the lines before it are missing, or it was inserted`,
    );
    if (suspects >= MAX_SUSPECTS) return;
    suspects += 1;
    writers.set(line.writer, { ...state, suspect: line });
  };

  const check = (line: ParsedLine, place: Place): void => {
    const key = keysOf.get(line.keyVersion);
    if (key === undefined) return unverifiable.add(line, place);
    const state = writers.get(line.writer);
    if (state === undefined) return begin(line, place, key);
    const next = state.sequence + 1;
    const { suspect } = state;
    // An older key may have been stolen: that may be why there is a newer one.
    const isOfItsKey = (state.keyVersion ?? line.keyVersion) === line.keyVersion;
    const follows = ({ sequence, mac }: ChainState): boolean =>
      isOfItsKey && line.sequence === sequence + 1 && continues(mac, line, key);
    if (follows(state) || (suspect !== undefined && follows(suspect))) return accept(state, line, place);
    if (line.sequence < next)
      return report(
        place,
        `${nameOf(line)} is not what was written, or is there again: line ${state.sequence} was before it`,
      );
    if (line.sequence === next) report(place, `${nameOf(line)} is not what was written`);
    else
      report(
        state.torn ?? place,
        `${nameOf(line)} follows line ${state.sequence}: what was between them is missing or was changed`,
      );
    state.suspect = line;
  };

  const tear = (bytes: Buffer, place: Place): void => {
    const found = findTorn(bytes);
    const state = found?.writer === undefined ? undefined : writers.get(found.writer);
    if (found === undefined || (state !== undefined && found.sequence !== state.sequence + 1))
      return report(place, "is not a line of the trail");
    torn.push(place);
    if (state !== undefined) state.torn ??= place;
  };

  return {
    line(bytes, place) {
      if (bytes.length === 0) return;
      if (bytes.length >= MAX_LINE_BYTES) return report(place, "is longer than any line of the trail");
      for (const piece of piecesOf(bytes)) {
        const whole = parseLine(piece);
        if (whole === undefined) tear(piece, place);
        else check(whole, place);
      }
    },
    finish() {
      if (heads.damaged > 0)
        report(undefined, `${heads.damaged} rows of the store that say where the trail ends were changed`);
      const since = required ?? (Number.isFinite(earliest) ? earliest : 0);
      for (const { line, startedAt, place } of continued)
        // The files may begin with this line, unless it is known from when on all must be there.
        if ((required === undefined ? startedAt : line.time) >= since)
          report(place, `${nameOf(line)} is the first one here: the lines before it are missing`);
      unverifiable.problems().forEach(onProblem);
      let earlierWriters = 0;
      for (const head of known.values()) {
        const state = writers.get(head.writer);
        if (state === undefined && head.time < since) earlierWriters += 1;
        else if (state === undefined)
          report(
            undefined,
            `no line is here of the writer ${head.writer}, which wrote ${head.sequence} until ${new Date(head.time).toISOString()}`,
          );
        else if (state.sequence < head.sequence)
          report(
            state.torn ?? state.place,
            `is followed by no line of the writer ${head.writer} after line ${state.sequence}: the store knows of line ${head.sequence}, so that lines were cut off or changed`,
          );
      }
      const unknown = Array.from(writers).filter(([writer]) => !known.has(writer));
      const invented = unknown.filter(([, state]) => isRotatedAway(state) && isRemembered(state));
      for (const [writer, { keyVersion, sequence, place }] of invented)
        report(
          place,
          `line ${sequence} is the last one here of the writer ${writer}, which has version ${keyVersion} of the service key, one that was rotated away, and which the store does not know: it ended before the store knew of it, or was invented with that key`,
        );
      const unknownWriters = unknown.length - invented.length;
      return { lines, writers: writers.size, torn, unknownWriters, earlierWriters, since };
    },
  };
}

/** Parts at each beginning of a line: what is written after a line that has no end continues it. */
export function* piecesOf(bytes: Buffer): Iterable<Buffer> {
  let start = 0;
  for (let next = bytes.indexOf(LINE_START, 1); next !== -1; next = bytes.indexOf(LINE_START, next + 1)) {
    yield bytes.subarray(start, next);
    start = next;
  }
  yield bytes.subarray(start);
}

function nameOf({ writer, sequence }: Pick<ParsedLine, "writer" | "sequence">): string {
  return `line ${sequence} of the writer ${writer}`;
}

function newestHeads(heads: readonly AuditHead[]): ReadonlyMap<string, AuditHead> {
  const newest = new Map<string, AuditHead>();
  for (const head of heads)
    if ((newest.get(head.writer)?.sequence ?? 0) < head.sequence) newest.set(head.writer, head);
  return newest;
}
