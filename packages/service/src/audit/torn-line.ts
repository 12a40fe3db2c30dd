/** How far a line was written that has no end. */
export interface TornLine {
  /** Absent if it ends before. */
  readonly writer: string | undefined;
  readonly sequence: number | undefined;
}

const HEAD =
  /^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","writer":"([0-9a-f]{32})","seq":([1-9]\d{0,14}),/;

/** How a line ends: this one has its end. */
const END = /,"mac":"[0-9a-f]{64}"\}$/;

/** What the shortest line that has a number begins with. */
const SAMPLE = `{"time":"2000-01-01T00:00:00.000Z","writer":"${"0".repeat(32)}","seq":1,`;

/**
 * Recognizes the beginning of a line that has no end. A process that is killed while it writes leaves that, and
 * so does a full disk. It authenticates nothing.
 */
export function findTorn(bytes: Buffer): TornLine | undefined {
  if (END.test(bytes.toString("latin1", Math.max(0, bytes.length - 80)))) return undefined;
  const text = bytes.toString("latin1", 0, 2 * SAMPLE.length);
  const [, writer, sequence] = HEAD.exec(text) ?? [];
  if (writer !== undefined) return { writer, sequence: Number(sequence) };
  const isShort = text.length < 2 * SAMPLE.length && HEAD.test(text + SAMPLE.slice(text.length));
  const endsInNumber = HEAD.test(`${text},`);
  return isShort || endsInNumber ? { writer: undefined, sequence: undefined } : undefined;
}
