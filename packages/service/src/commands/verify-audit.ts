import { parseLine } from "../audit/chain.ts";
import { readLines } from "../audit/read-lines.ts";
import type { TrailProblem, Verification } from "../audit/verify.ts";
import { createVerifier, piecesOf } from "../audit/verify.ts";
import type { Command } from "../command.ts";
import { ConfigError } from "../config-error.ts";
import { errorCode } from "../error-code.ts";
import { withStore } from "./operator.ts";
import type { Print } from "./print.ts";

/** Further problems are counted. */
const MAX_PRINTED = 100;

/** A file of the trail, and the time of its first line that is whole, by which files are put in order. */
interface TrailFile {
  readonly path: string;
  readonly time: number;
}

/**
 * Checks an audit trail against its store, which may be served meanwhile, and prints where it is not what was written.
 *
 * @returns whether it is whole.
 */
export async function verifyAudit(
  { config, files: paths, since }: Extract<Command, { name: "audit verify" }>,
  print: Print,
): Promise<boolean> {
  return withStore(config, async ({ store, keys }) => {
    // First: lines that are written meanwhile are after them.
    const heads = await store.auditHeads();
    const files = await inOrder(paths);
    let problems = 0;
    const onProblem = (problem: TrailProblem): void => {
      problems += 1;
      if (problems <= MAX_PRINTED) print(describeProblem(problem));
    };
    const verifier = createVerifier({ keys, heads, since, onProblem });
    for (const { path } of files)
      for await (const { number, bytes } of readLines(path))
        verifier.line(bytes, { file: path, line: number });
    const verification = verifier.finish();
    report(verification, problems, print);
    return problems === 0;
  });
}

/** @throws ConfigError if one cannot be read. */
async function inOrder(paths: readonly string[]): Promise<readonly TrailFile[]> {
  const files: TrailFile[] = [];
  for (const path of new Set(paths)) {
    const time = await readFirstTime(path).catch((cause: unknown) => {
      throw new ConfigError(`audit verify: ${path} cannot be read (${errorCode(cause) ?? "failed"})`, {
        cause,
      });
    });
    // An empty file is in no one's way; one of which no line is whole is reported, wherever it is.
    files.push({ path, time: time ?? Number.POSITIVE_INFINITY });
  }
  return files.toSorted((a, b) => a.time - b.time);
}

/** The time of the first line that is whole: before it there may be one that a full disk has cut. */
async function readFirstTime(path: string): Promise<number | undefined> {
  for await (const { bytes } of readLines(path))
    for (const piece of piecesOf(bytes)) {
      const line = parseLine(piece);
      if (line !== undefined) return line.time;
    }
  return undefined;
}

function describeProblem({ place, what }: TrailProblem): string {
  return place === undefined ? what : `${place.file}:${place.line}: ${what}`;
}

function report(
  { lines, writers, torn, unknownWriters, earlierWriters, since }: Verification,
  problems: number,
  print: Print,
): void {
  if (problems > MAX_PRINTED) print(`… and ${problems - MAX_PRINTED} more`);
  for (const { file, line } of torn.slice(0, MAX_PRINTED))
    print(`${file}:${line}: note: has a line that was not written whole; what it says is not authenticated`);
  if (torn.length > MAX_PRINTED) print(`note: there are ${torn.length - MAX_PRINTED} more of these`);
  if (earlierWriters > 0) print(`note: ${count(earlierWriters, "writer")} ended before these files begin`);
  if (unknownWriters > 0)
    print(
      `note: the store does not know ${unknownWriters} of the writers: what was cut off at their ends is not missed`,
    );
  if (lines === 0 && writers > 0)
    print(
      "note: not one line is under a key of this store: is it the store of this trail (--data, --store)?",
    );
  const written = `${count(lines, "line")} of ${count(writers, "writer")}`;
  const begin = since > 0 ? ` since ${new Date(since).toISOString()}` : "";
  print(
    problems === 0
      ? `The audit trail is whole${begin}: ${written}.`
      : `The audit trail is not whole: ${count(problems, "problem")}; as they were written: ${written}.`,
  );
}

function count(number: number, what: string): string {
  return number === 1 ? `1 ${what}` : `${number} ${what}s`;
}
