import fc from "fast-check";
import { expect, test } from "vitest";
import type { AuditHead } from "../domain/audit-head.ts";
import { createServiceKeys } from "../store/keys.ts";
import type { TrailProblem } from "./verify.ts";
import { createVerifier } from "./verify.ts";
import { createAuditWriter } from "./writer.ts";

const KEYS = createServiceKeys(Buffer.alloc(32, 7));
const START = 1_700_000_000_000;

/** A line that was written, and where. */
interface Written {
  readonly writer: number;
  readonly sequence: number;
  readonly text: string;
}

/** Files of a trail, line by line, and what the store knows of it. */
interface Trail {
  readonly files: readonly (readonly Written[])[];
  readonly heads: ReadonlyMap<number, AuditHead>;
}

/** What a process does: writes a line, or tells the store where it is; or the files are rotated. */
type Step = { readonly kind: "line" | "head" | "rotate"; readonly writer: number };

const STEPS = fc.array(
  fc.record({
    kind: fc.constantFrom("line", "line", "line", "head", "rotate"),
    writer: fc.integer({ min: 0, max: 2 }),
  }),
  { minLength: 4, maxLength: 40 },
) as fc.Arbitrary<readonly Step[]>;

function write(steps: readonly Step[]): Trail {
  const files: Written[][] = [[]];
  const heads = new Map<number, AuditHead>();
  let time = START;
  const writers = [0, 1, 2].map((index) =>
    createAuditWriter({
      id: `0${index}`.repeat(16),
      keys: KEYS,
      file: {
        write(bytes) {
          for (const text of bytes.toString().split("\n").slice(0, -1))
            files.at(-1)!.push({ writer: index, sequence: Number(/"seq":(\d+)/.exec(text)![1]), text });
          return bytes.length;
        },
        endsWithinLine: () => false,
      },
      now: () => (time += 1),
      schedule: () => undefined,
    }),
  );
  for (const { kind, writer } of steps) {
    if (kind === "line") writers[writer]!.recordNow("x", { n: time }, { kind: "other", keep: true });
    else if (kind === "head" && writers[writer]!.head().sequence > 0)
      heads.set(writer, writers[writer]!.head());
    else if (kind === "rotate") {
      files.push([]);
      for (const each of writers) if (each.head().sequence > 0) each.reopened();
    }
  }
  return { files, heads };
}

function verify(
  texts: readonly string[],
  heads: ReadonlyMap<number, AuditHead>,
  since: number | null = START,
): readonly TrailProblem[] {
  const problems: TrailProblem[] = [];
  const verifier = createVerifier({
    keys: KEYS,
    heads: { heads: [...heads.values()], damaged: 0 },
    since: since ?? undefined,
    onProblem: (problem) => problems.push(problem),
  });
  for (const [file, text] of texts.entries())
    for (const [line, bytes] of text.split("\n").entries())
      verifier.line(Buffer.from(bytes, "latin1"), { file: String(file), line: line + 1 });
  verifier.finish();
  return problems;
}

function textOf(lines: readonly Written[]): string {
  return lines.map(({ text }) => `${text}\n`).join("");
}

/** Whether something that is there after a line, or in the store, depends on it. */
function isCovered({ files, heads }: Trail, { writer, sequence }: Written): boolean {
  const isLater = files.flat().some((other) => other.writer === writer && other.sequence > sequence);
  return isLater || (heads.get(writer)?.sequence ?? 0) >= sequence;
}

/** Picks a line that is covered. */
function pick(trail: Trail, at: number): { readonly file: number; readonly index: number } | undefined {
  const places = trail.files.flatMap((lines, file) =>
    lines.flatMap((line, index) => (isCovered(trail, line) ? [{ file, index }] : [])),
  );
  return places[at % Math.max(1, places.length)];
}

/** The first problem is at this line, or at the writer's next one, or after its last one. */
function expectPlace(
  problems: readonly TrailProblem[],
  { files }: Trail,
  { file, index }: { readonly file: number; readonly index: number },
): void {
  const { writer, sequence } = files[file]![index]!;
  const near = files.flatMap((lines, at) =>
    lines.flatMap((line, number) =>
      line.writer === writer && Math.abs(line.sequence - sequence) <= 1
        ? [`${at}:${number}`, `${at}:${number + 1}`, `${at}:${number + 2}`]
        : [],
    ),
  );
  const [first] = problems;
  expect(first).toBeDefined();
  const place = first!.place && `${first!.place.file}:${first!.place.line}`;
  // A writer with one line has no other place.
  if (place === undefined) expect(first!.what).toContain(`0${writer}`.repeat(16));
  else expect([...near, `${file}:${index + 1}`]).toContain(place);
}

const AT = fc.nat();

test("a trail that nothing has changed is whole, however its lines interleave and its files are rotated", () => {
  fc.assert(
    fc.property(STEPS, (steps) => {
      const { files, heads } = write(steps);
      expect(verify(files.map(textOf), heads)).toEqual([]);
    }),
  );
});

test("a byte that was changed is found, and where, if a line or a head is after it", () => {
  fc.assert(
    fc.property(STEPS, AT, AT, fc.integer({ min: 1, max: 255 }), (steps, at, offset, change) => {
      const trail = write(steps);
      const place = pick(trail, at);
      if (place === undefined) return;
      const texts = trail.files.map((lines, file) =>
        lines
          .map(({ text }, index) => {
            if (file !== place.file || index !== place.index) return `${text}\n`;
            const bytes = Buffer.from(`${text}\n`);
            bytes[offset % bytes.length]! ^= change;
            return bytes.toString("latin1");
          })
          .join(""),
      );
      expectPlace(verify(texts, trail.heads), trail, place);
    }),
    { numRuns: 1_000 },
  );
});

/** Changes of the order or the number of lines. */
const EDITS: Readonly<Record<string, (lines: Written[], index: number) => void>> = {
  removed: (lines, index) => void lines.splice(index, 1),
  "put in again": (lines, index) => void lines.splice(index, 0, lines[index]!),
  "cut off, with all after it": (lines, index) => void lines.splice(index),
  "put after the next one of its writer": (lines, index) => {
    const next = lines.findIndex((other, at) => at > index && other.writer === lines[index]!.writer);
    if (next === -1) lines.splice(index, 1);
    else [lines[index], lines[next]] = [lines[next]!, lines[index]!];
  },
  "put in with another number": (lines, index) => {
    const line = lines[index]!;
    const text = line.text.replace(/"seq":\d+/, `"seq":${line.sequence + 1}`);
    lines.splice(index + 1, 0, { ...line, text });
  },
};

test.each(Object.keys(EDITS))("a line that was %s is found, and where", (name) => {
  fc.assert(
    fc.property(STEPS, AT, (steps, at) => {
      const trail = write(steps);
      const place = pick(trail, at);
      if (place === undefined) return;
      const { writer, sequence } = trail.files[place.file]![place.index]!;
      const isKnown = (trail.heads.get(writer)?.sequence ?? 0) >= sequence;
      if (name.startsWith("cut off") && !isKnown) return;
      const files = trail.files.map((lines) => [...lines]);
      EDITS[name]!(files[place.file]!, place.index);
      const problems = verify(files.map(textOf), trail.heads);
      expect(problems.length).toBeGreaterThan(0);
      if (!name.startsWith("cut off")) expectPlace(problems, trail, place);
    }),
    { numRuns: 300 },
  );
});

test("a file that is missing between others, or at the end, is found", () => {
  fc.assert(
    fc.property(STEPS, AT, (steps, at) => {
      const trail = write([...steps, { kind: "line", writer: 0 }, { kind: "head", writer: 0 }]);
      const { files } = trail;
      const gone = 1 + (at % files.length);
      if (!(files[gone] ?? []).some((line) => isCovered(trail, line))) return;
      // What comes before the first line that is left may be gone.
      const texts = files.filter((_, index) => index !== gone).map(textOf);
      expect(verify(texts, trail.heads).length).toBeGreaterThan(0);
    }),
    { numRuns: 300 },
  );
});

test("a writer whose lines are all gone is missed, unless it ended before the files begin", () => {
  const writer = "ab".repeat(16);
  const head = { writer, sequence: 7, mac: Buffer.alloc(32), startedAt: START - 10 };
  expect(verify([], new Map([[0, { ...head, time: START + 1 }]]))).toEqual([
    { what: `no line is here of the writer ${writer}, which wrote 7 until 2023-11-14T22:13:20.001Z` },
  ]);
  expect(verify([], new Map([[0, { ...head, time: START - 1 }]]))).toEqual([]);
});

/** A first file that ends with all that the writer 1 wrote, and a second one. */
const TWO_FILES: readonly Step[] = [
  { kind: "line", writer: 0 },
  { kind: "head", writer: 0 },
  { kind: "line", writer: 1 },
  { kind: "head", writer: 1 },
  { kind: "rotate", writer: 0 },
  { kind: "line", writer: 0 },
];

/** Without a time from which on all must be there. */
function verifyAll(texts: readonly string[], heads: ReadonlyMap<number, AuditHead>): readonly TrailProblem[] {
  return verify(texts, heads, null);
}

test("no text that was put before the lines of a trail makes its beginning later", () => {
  const { files, heads } = write(TWO_FILES);
  const texts = files.map((lines) => textOf(lines.filter(({ writer }) => writer === 0)));
  const part = `{"time":"2999-01-01T00:00:00.000Z","writer":"${"ff".repeat(16)}","seq":1,"key":1,"event":"x"`;
  for (const before of ["", `${part}\n`, part]) {
    const [first, second] = texts;
    const problems = verifyAll([`${before}${first}`, second!], heads);
    expect(problems).toMatchObject([{ what: expect.stringContaining("no line is here of the writer 0101") }]);
  }
});

test("a trail of which nothing is left is not whole", () => {
  const { heads } = write(TWO_FILES);
  for (const text of ["", "\n"]) expect(verifyAll([text], heads)).toHaveLength(2);
});

test("a line that was put in and reads as a whole one is not a line that was not written whole", () => {
  const { files, heads } = write(TWO_FILES);
  const [, second] = files.map((lines) => lines.map(({ text }) => text));
  const { writer, seq } = JSON.parse(second!.at(-1)!);
  for (const end of ["}", "} ", "}\r", '}{"', `,"mac":"${"0".repeat(64)}"} `, "\r", '"\u0000']) {
    const forged = `{"time":"2023-11-14T22:13:20.020Z","writer":"${writer}","seq":${seq + 1},"key":1,"event":"x"${end}`;
    const texts = [textOf(files[0]!), [...second!, forged].join("\n")];
    expect(verify(texts, heads), JSON.stringify(end)).toMatchObject([{ what: "is not a line of the trail" }]);
  }
});

test("all since a time is there only if the lines of each writer begin before it, or with its first one", () => {
  const { files, heads } = write(TWO_FILES);
  const [first, second] = files.map(textOf);
  const since = Date.parse(JSON.parse(files[0]!.at(-1)!.text).time);
  expect(verify([first!, second!], heads, since)).toEqual([]);
  const missing = { what: expect.stringMatching(/the lines before it are missing$/) };
  expect(verify([second!], heads, since)).toEqual([
    expect.objectContaining(missing),
    expect.objectContaining(missing),
  ]);
  expect(verifyAll([second!], heads)).toEqual([]);
});

test("lines of another service key are not taken for lines of this one, nor a line that no writer has written", () => {
  const { files, heads } = write([{ kind: "line", writer: 0 }]);
  const problems: TrailProblem[] = [];
  const verifier = createVerifier({
    keys: createServiceKeys(Buffer.alloc(32, 8)),
    heads: { heads: [...heads.values()], damaged: 2 },
    since: START,
    onProblem: (problem) => problems.push(problem),
  });
  for (const [index, { text }] of files[0]!.entries())
    verifier.line(Buffer.from(text), { file: "f", line: index + 1 });
  verifier.line(Buffer.from("a note of an administrator"), { file: "f", line: 3 });
  verifier.line(Buffer.alloc(70_000, "x"), { file: "f", line: 4 });
  expect(verifier.finish().lines).toBe(0);
  expect(problems.map(({ place, what }) => `${place?.line ?? ""}: ${what}`)).toEqual([
    `1: line 1 of the writer ${"00".repeat(16)} is not what was written`,
    `2: line 2 of the writer ${"00".repeat(16)} follows line 0: what was between them is missing or was changed`,
    "3: is not a line of the trail",
    "4: is longer than any line of the trail",
    ": 2 rows of the store that say where the trail ends were changed",
  ]);
});
