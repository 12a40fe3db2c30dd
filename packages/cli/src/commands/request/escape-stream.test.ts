import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { assert, asyncProperty, string, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { escapeStream } from "./escape-stream.ts";

/** Returns the output for bytes that arrive one at a time, so that every character is split. */
function shown(bytes: Uint8Array): Promise<string> {
  return text(Readable.from(Array.from(bytes, (byte) => Buffer.of(byte))).pipe(escapeStream()));
}

test.each([
  ["plain text\n\tindented, \u20ac, \u{1F600}\n", "plain text\n\tindented, \u20ac, \u{1F600}\n"],
  ["two\r\nlines\r\n", "two\r\nlines\r\n"],
  ["forged\rline", "forged\\u000dline"],
  ["at the end\r", "at the end\\u000d"],
  ["\u001b]0;title\u0007", "\\u001b]0;title\\u0007"],
  ["\u009b31m", "\\u009b31m"],
  ["\u202eturned", "\\u202eturned"],
  ["\u{E0001}", "\\udb40\\udc01"],
])("%j is shown as %j", async (body, expected) => {
  expect(await shown(Buffer.from(body))).toBe(expected);
});

test.each([
  [Buffer.from("caf\u00e9").subarray(0, -1), "caf\ufffd"],
  [Buffer.from("\u{1F600}").subarray(0, 2), "\ufffd"],
  [Buffer.from([0x61, 0xff, 0x62]), "a\ufffdb"],
])("invalid bytes are shown as replacement characters, and are not lost: %j", async (bytes, expected) => {
  expect(await shown(bytes)).toBe(expected);
});

test("no character of the output controls a terminal, whatever a target sends", async () => {
  const acting = /[^\n\t\r\P{C}]|\r(?!\n)|[\u2028\u2029]/u;
  await assert(
    asyncProperty(uint8Array({ maxLength: 200 }), async (bytes) => {
      expect(await shown(bytes)).not.toMatch(acting);
    }),
  );
  await assert(
    asyncProperty(string({ unit: "binary" }), async (body) => {
      expect(await shown(Buffer.from(body))).not.toMatch(acting);
    }),
  );
});
