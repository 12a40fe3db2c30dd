/** How far a line was written that has no end. */
export interface TornLine {
  /** Absent if it ends before. */
  readonly writer: string | undefined;
  readonly sequence: number | undefined;
}

const HEAD =
  /^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","writer":"([0-9a-f]{32})","seq":([1-9]\d{0,14}),/;

/** What the shortest line that has a number begins with. */
const SAMPLE = `{"time":"2000-01-01T00:00:00.000Z","writer":"${"0".repeat(32)}","seq":1,`;

/**
 * Recognizes the beginning of a line that has no end. A process that is killed while it writes leaves that, and
 * so does a full disk. It authenticates nothing. What reads as a whole line is not the beginning of one, whatever follows it.
 */
export function findTorn(bytes: Buffer): TornLine | undefined {
  if (!isUnclosed(bytes)) return undefined;
  const text = bytes.toString("latin1", 0, 2 * SAMPLE.length);
  const [, writer, sequence] = HEAD.exec(text) ?? [];
  if (writer !== undefined) return { writer, sequence: Number(sequence) };
  const isShort = text.length < 2 * SAMPLE.length && HEAD.test(text + SAMPLE.slice(text.length));
  const endsInNumber = HEAD.test(`${text},`);
  return isShort || endsInNumber ? { writer: undefined, sequence: undefined } : undefined;
}

const [QUOTE, BACKSLASH, SPACE] = [0x22, 0x5c, 0x20];
const OPENING: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSING: ReadonlySet<number> = new Set([0x7d, 0x5d]);

/** Whether this can be the beginning of an object in JSON, as it is written: its end is not here, and no control character. */
function isUnclosed(bytes: Buffer): boolean {
  let depth = 0;
  let isInText = false;
  let isEscaped = false;
  for (const byte of bytes) {
    if (byte < SPACE) return false;
    if (isEscaped) isEscaped = false;
    else if (isInText) {
      isEscaped = byte === BACKSLASH;
      isInText = byte !== QUOTE;
    } else if (byte === QUOTE) isInText = true;
    else if (OPENING.has(byte)) depth += 1;
    else if (CLOSING.has(byte)) depth -= 1;
    if (depth === 0) return false;
  }
  return true;
}
