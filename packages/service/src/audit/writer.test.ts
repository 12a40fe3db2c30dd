import { expect, test } from "vitest";
import { createServiceKeys } from "../store/keys.ts";
import type { AuditHead } from "../domain/audit-head.ts";
import type { AuditWriter } from "./writer.ts";
import { createAuditWriter, MAX_QUEUED_BYTES } from "./writer.ts";
import type { TrailProblem, Verification } from "./verify.ts";
import { createVerifier } from "./verify.ts";

const KEYS = createServiceKeys(Buffer.alloc(32, 7));
const NOW_OR_NEVER = { kind: "other", keep: true } as const;

/** A file that can be set to take nothing, or a few bytes, and a writer of it. */
function trail(id = "0a".repeat(16), file = { text: "", takes: Number.POSITIVE_INFINITY }) {
  let time = 1_700_000_000_000;
  const due: (() => void)[] = [];
  const states: string[] = [];
  const writer = createAuditWriter({
    id,
    keys: KEYS,
    file: {
      write(bytes) {
        const count = Math.min(file.takes, bytes.length);
        file.text += bytes.subarray(0, count).toString();
        file.takes -= count;
        return count;
      },
      endsWithinLine: () => file.text !== "" && !file.text.endsWith("\n"),
    },
    now: () => (time += 1),
    schedule: (act) => void due.push(act),
    onStateChanged: ({ state }) => states.push(state),
  });
  return { writer, file, states, later: () => due.splice(0).forEach((act) => act()) };
}

function verify(
  texts: readonly string[],
  heads: readonly AuditHead[],
): Verification & { readonly problems: readonly TrailProblem[] } {
  const problems: TrailProblem[] = [];
  const verifier = createVerifier({
    keys: KEYS,
    heads: { heads, damaged: 0 },
    since: 0,
    onProblem: (problem) => problems.push(problem),
  });
  for (const [index, text] of texts.entries())
    text
      .split("\n")
      .forEach((line, at) => verifier.line(Buffer.from(line), { file: `file ${index}`, line: at + 1 }));
  return { ...verifier.finish(), problems };
}

function events(text: string): readonly string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => /"event":"([a-z-]+)"/.exec(line)?.[1] ?? line);
}

function record(writer: AuditWriter, ...names: readonly string[]): void {
  for (const name of names) writer.record(name, { of: name });
  writer.flush();
}

test("the lines of a writer are in order, begin with one that says so, and are whole with the head of the last one", () => {
  const { writer, file } = trail();
  record(writer, "a", "b");
  expect(writer.recordNow("c", {}, NOW_OR_NEVER)).toEqual(writer.head());
  expect(events(file.text)).toEqual(["opened", "a", "b", "c"]);
  expect(writer.head()).toMatchObject({ sequence: 4 });
  expect(verify([file.text], [writer.head()])).toMatchObject({ problems: [], lines: 4, writers: 1 });
});

test("a line that cannot be written is kept and written later, in its place", () => {
  const { writer, file, states, later } = trail();
  writer.flush();
  file.takes = 0;
  expect(writer.recordNow("a", {}, NOW_OR_NEVER)).toBeUndefined();
  writer.record("b", {});
  expect(writer.isFailing).toBe(true);
  expect(writer.lagMs()).toBeGreaterThan(0);
  file.takes = Number.POSITIVE_INFINITY;
  later();
  expect(events(file.text)).toEqual(["opened", "a", "b"]);
  expect(writer.lagMs()).toBe(0);
  expect(states).toEqual(["failing", "written"]);
  expect(verify([file.text], [writer.head()]).problems).toEqual([]);
});

test("a line that is not to be kept is not written later", () => {
  const { writer, file, later } = trail();
  writer.flush();
  file.takes = 0;
  writer.recordNow("kept", {}, NOW_OR_NEVER);
  writer.recordNow("refused", {}, { kind: "other", keep: false });
  file.takes = Number.POSITIVE_INFINITY;
  later();
  expect(events(file.text)).toEqual(["opened", "kept"]);
});

test("what is too much to be kept is counted in a line, revokes apart, and half of the room is for revokes", () => {
  const { writer, file, later } = trail();
  writer.flush();
  file.takes = 0;
  const fields = { of: "x".repeat(1_000) };
  const kept = MAX_QUEUED_BYTES / JSON.stringify(fields).length;
  for (let count = 0; count < 200; count += 1) writer.record("other", fields);
  // None more of these, until what was lost is written.
  for (let count = 0; count < 3; count += 1) writer.record("revoke", fields, "revoke");
  expect(writer.lostLines).toBe(203 - Math.floor(kept / 2));
  file.takes = Number.POSITIVE_INFINITY;
  later();
  writer.record("after", {});
  later();
  const names = events(file.text);
  expect(names.filter((name) => name === "other")).toHaveLength(Math.floor(kept / 2));
  expect(names.slice(-2)).toEqual(["lost", "after"]);
  expect(JSON.parse(file.text.split("\n").at(-3)!)).toMatchObject({
    lines: writer.lostLines,
    revokes: 3,
  });
  expect(verify([file.text], [writer.head()]).problems).toEqual([]);
});

test("revokes are kept when there is no room for other lines", () => {
  const { writer, file, later } = trail();
  writer.flush();
  file.takes = 0;
  const fields = { of: "x".repeat(MAX_QUEUED_BYTES / 2 - 100) };
  writer.record("other", fields);
  writer.record("revoke", { of: "y".repeat(1_000) }, "revoke");
  writer.record("other", { of: "z".repeat(1_000) });
  file.takes = Number.POSITIVE_INFINITY;
  later();
  expect(events(file.text)).toEqual(["opened", "other", "revoke", "lost"]);
});

test("a line that was written in part ends there, is written again whole, and breaks nothing", () => {
  const { writer, file, later } = trail();
  writer.flush();
  for (const takes of [1, 40, 120, 0]) {
    file.takes = takes;
    writer.record("a", {});
    writer.record("b", {});
    writer.flush();
  }
  // Two lines and a part of a third one.
  file.takes = 450;
  later();
  file.takes = Number.POSITIVE_INFINITY;
  later();
  const verified = verify([file.text], [writer.head()]);
  expect(verified).toMatchObject({ problems: [], lines: 9 });
  expect(verified.torn.length).toBeGreaterThan(2);
});

test("a line that lacks its newline alone is not written again", () => {
  const { writer, file } = trail();
  record(writer, "a");
  const { length } = file.text;
  record(writer, "b");
  file.takes = file.text.length - length - 1;
  record(writer, "c");
  expect(file.text).toMatch(/\}$/);
  file.takes = Number.POSITIVE_INFINITY;
  record(writer, "d");
  expect(events(file.text)).toEqual(["opened", "a", "b", "c", "d"]);
  expect(verify([file.text], [writer.head()])).toMatchObject({ problems: [], lines: 5, torn: [] });
});

test("a writer that finds a line without an end in the file begins after it, as do those that write at the same time", () => {
  const killed = trail("0a".repeat(16));
  killed.writer.flush();
  killed.file.takes = 100;
  killed.writer.recordNow("a", {}, NOW_OR_NEVER);
  const file = { text: killed.file.text, takes: Number.POSITIVE_INFINITY };
  // One that has the file open already does not know of the part.
  const other = trail("0b".repeat(16), { text: "", takes: Number.POSITIVE_INFINITY });
  other.writer.flush();
  const opened = other.file.text;
  other.writer.recordNow("b", {}, NOW_OR_NEVER);
  file.text = opened + file.text + other.file.text.slice(opened.length);
  const next = trail("0c".repeat(16), file);
  record(next.writer, "c");
  const heads = [killed.writer.head(), other.writer.head(), next.writer.head()];
  const verified = verify([file.text], heads);
  expect(verified).toMatchObject({ problems: [], lines: 5, writers: 3 });
  expect(verified.torn).toHaveLength(1);
});

test("each file begins with what it continues, so that it can be verified when older files are gone", () => {
  const { writer, file } = trail();
  record(writer, "a", "b");
  const first = file.text;
  file.text = "";
  writer.reopened();
  record(writer, "c");
  expect(events(file.text)).toEqual(["opened", "c"]);
  expect(verify([first, file.text], [writer.head()])).toMatchObject({ problems: [], lines: 5 });
  // The writer began before all that is here.
  const later = { ...writer.head(), startedAt: 0 };
  expect(verify([file.text], [later]).problems).toEqual([
    {
      place: { file: "file 0", line: 1 },
      what: expect.stringMatching(/^line 4 of the writer .* the lines before it are missing$/),
    },
  ]);
});
