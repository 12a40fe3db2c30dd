import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeText, formatName, hideSecrets, quoteName } from "./escape.ts";
import { createPrint, printJson } from "./print.ts";

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;
const SOURCE = fileURLToPath(new URL("..", import.meta.url));

/** Texts made mostly of characters that terminals act on. */
const TEXT = fc.string({
  unit: fc.oneof(
    fc.constantFrom("\n", "\r", "\t", "\u001b", "\u009b", "\u007f", "\u202e", "\u200b", "\u2028", "\ufeff"),
    fc.constantFrom("a", '"', "\\", " ", "ä", "\u{1f600}", "\u{e0041}", "\ud800"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
});

test("no printed text moves a cursor, ends a line or changes its direction", () => {
  fc.assert(
    fc.property(TEXT, (text) => {
      const written: string[] = [];
      createPrint((line) => void written.push(line))(text);
      expect(written).toHaveLength(1);
      expect(written[0]!.endsWith("\n")).toBe(true);
      expect(UNPRINTABLE.test(written[0]!.slice(0, -1))).toBe(false);
    }),
  );
});

test("printed JSON keeps its meaning, and is as safe on a terminal", () => {
  fc.assert(
    fc.property(TEXT, (text) => {
      const lines: string[] = [];
      printJson(
        createPrint((line) => void lines.push(line)),
        { [text]: [text] },
      );
      expect(JSON.parse(lines.join(""))).toEqual({ [text]: [text] });
      expect(lines.some((line) => UNPRINTABLE.test(line.slice(0, -1)))).toBe(false);
    }),
  );
});

test("two names never look the same, and a plain name is unchanged", () => {
  expect(formatName("älice \u{1f600} b")).toBe("älice \u{1f600} b");
  expect(formatName("a\nb")).toBe('"a\\nb"');
  expect(formatName('"a\\nb"')).toBe(String.raw`"\"a\\nb\""`);
  expect([" a", "a ", "", 'a"b'].map(formatName)).toEqual(['" a"', '"a "', '""', String.raw`"a\"b"`]);
  expect(formatName("\u001b[2J")).toBe('"\\u001b[2J"');
  expect(quoteName("a\u202eb")).toBe('"a\\u202eb"');
  fc.assert(
    fc.property(TEXT, TEXT, (one, other) => {
      fc.pre(one !== other);
      expect(formatName(one)).not.toBe(formatName(other));
    }),
  );
  expect(escapeText("plain")).toBe("plain");
});

test("an error shows nothing of a token or of a database's password that were given in the wrong place", () => {
  expect(hideSecrets("CPBLTY1-abc: no such command")).toBe("CPBLTY1-...: no such command");
  expect(hideSecrets("postgres://u:CPBLTY1-abc@h/d CPBLTY1-abc")).toBe("postgres://u:...@h/d CPBLTY1-...");
});

test("only main.ts writes to the process's streams, through the one function that escapes", async () => {
  const files = await readdir(SOURCE, { recursive: true });
  const writers: string[] = [];
  for (const file of files.filter((name) => /(?<!\.test)\.ts$/.test(name))) {
    const text = await readFile(SOURCE + file, "utf8");
    for (const [line] of text.matchAll(/^.*(?:process\.std(?:out|err)\.write|console\.\w+\().*$/gm)) {
      writers.push(`${file}: ${line}`);
    }
  }
  expect(writers).toEqual([
    expect.stringMatching(/^main\.ts: const print = createPrint\(\(text\) => .*stdout\.write\(text\)/),
    expect.stringMatching(/^main\.ts: const printError = createPrint\(\(text\) => .*stderr\.write\(text\)/),
  ]);
});
