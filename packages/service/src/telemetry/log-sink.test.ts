import { expect, test } from "vitest";
import type { WriteResult } from "./log-sink.ts";
import { createLogSink, MAX_BUFFERED_BYTES } from "./log-sink.ts";

/** A log file that can be set to accept nothing, or a few bytes. */
function sinkTo() {
  const due: (() => void)[] = [];
  const file = { text: "", takes: Number.POSITIVE_INFINITY, otherwise: "failed" as WriteResult };
  const sink = createLogSink({
    write(bytes) {
      const count = Math.min(file.takes, bytes.length);
      if (count === 0) return file.otherwise;
      file.text += bytes.subarray(0, count).toString();
      file.takes -= count;
      return count;
    },
    describeLoss: (lines) => `lost ${lines}\n`,
    schedule: (act) => void due.push(act),
  });
  return { sink, write: sink.write, file, later: () => due.splice(0).forEach((act) => act()) };
}

test("lines that cannot be written are counted, and the count is written before the next line", () => {
  const { write, file } = sinkTo();
  write("a\n");
  file.takes = 0;
  write("b\n");
  write("c\n");
  file.takes = Number.POSITIVE_INFINITY;
  write("d\n");
  expect(file.text).toBe("a\nlost 2\nd\n");
});

test("the count is written after a while when no other line comes, and only once", () => {
  const { write, later, file } = sinkTo();
  file.takes = 0;
  write("a\n");
  later();
  file.takes = Number.POSITIVE_INFINITY;
  later();
  later();
  expect(file.text).toBe("lost 1\n");
});

test("a line that was written in part ends there, and all lines after it are readable", () => {
  const { write, later, file } = sinkTo();
  file.takes = 3;
  write("abcdef\n");
  later();
  // The notice itself is written in part, too.
  file.takes = 4;
  write("b\n");
  file.takes = Number.POSITIVE_INFINITY;
  later();
  expect(file.text).toBe("abc\nlos\nlost 2\n");
});

test("while the log is not read, lines are kept in order up to a bound, and counted beyond it", () => {
  const { write, later, file } = sinkTo();
  file.takes = 5;
  file.otherwise = "busy";
  const line = `${"x".repeat(1_023)}\n`;
  for (let count = 0; count < 1_000; count += 1) write(line);
  expect(file.text).toHaveLength(5);
  file.takes = Number.POSITIVE_INFINITY;
  later();
  write("after\n");
  const lines = file.text.split("\n");
  const kept = MAX_BUFFERED_BYTES / 1_024;
  expect(lines.slice(0, kept).every((each) => each.length === 1_023)).toBe(true);
  expect(lines.slice(kept)).toEqual([`lost ${1_000 - kept}`, "after", ""]);
});

test("a lost line is counted once, though its notice is lost, too", () => {
  const { sink, write, later, file } = sinkTo();
  file.takes = 0;
  write("a\n");
  write("b\n");
  later();
  later();
  expect(sink.lostLines).toBe(2);
  file.takes = 3;
  later();
  write("c\n");
  expect(sink.lostLines).toBe(3);
  file.takes = Number.POSITIVE_INFINITY;
  later();
  write("d\n");
  expect(sink.lostLines).toBe(3);
  expect(file.text).toContain("lost 3\nd\n");
});
