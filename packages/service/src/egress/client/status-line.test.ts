import { expect, test } from "vitest";
import { StatusLine } from "./status-line.ts";

function isAccepted(pieces: readonly string[]): boolean {
  const line = new StatusLine();
  return pieces.map((piece) => line.scan(piece)).every(Boolean);
}

/** The text whole, in all pairs and triples of pieces, and in single characters. */
function* waysToCut(text: string): Generator<readonly string[]> {
  for (let first = 0; first < text.length; first += 1)
    for (let second = first; second < text.length; second += 1)
      yield [text.slice(0, first), text.slice(first, second), text.slice(second)];
  yield [...text];
}

test.each([
  ["HTTP/1.1 200 OK\r\nA: b\r\n\r\n", true],
  ["HTTP/1.1 200\r\n\r\n", true],
  ["\r\n\n\rHTTP/1.1 200 OK\r\nA: \rb", true],
  ["HTTP/1.1 200 OK", true],
  ["HTTP/1.1 200 OK\r\r\n\r\n", false],
  ["HTTP/1.1 200 OK\rA: b\r\n", false],
  ["\r\n\r\nHTTP/1.1 200\r\r\r\n", false],
])("of %j it is known whether the CR of the status line has its LF, wherever it is cut", (text, accepted) => {
  for (const pieces of waysToCut(text)) expect(isAccepted(pieces), JSON.stringify(pieces)).toBe(accepted);
});

test("another status line is checked after a reset", () => {
  const line = new StatusLine();
  expect(line.scan("HTTP/1.1 103 Early\r\n\r\n")).toBe(true);
  line.reset();
  expect(line.scan("HTTP/1.1 200 OK\r\r")).toBe(false);
});
