import { expect, test } from "vitest";
import { ResponseHeadScanner } from "./response-head-scanner.ts";

const FINAL = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nHTTP/1.1 100";
const EARLY_HINTS = "HTTP/1.1 103 Early\r\nLink: <a>\r\n\r\n";

/** Scans the pieces. @returns what undici may read; nothing if a piece is refused. */
function scan(pieces: readonly string[]): string | undefined {
  const scanner = new ResponseHeadScanner();
  const passed = pieces.map((piece) => {
    const bytes = Buffer.from(piece, "latin1");
    return scanner.scan(bytes) ? bytes.toString("latin1") : undefined;
  });
  return passed.includes(undefined) ? undefined : passed.join("");
}

/** The text whole, in all pairs and triples of pieces, and in single bytes. */
function* waysToCut(text: string): Generator<readonly string[]> {
  for (let first = 0; first < text.length; first += 1)
    for (let second = first; second < text.length; second += 1)
      yield [text.slice(0, first), text.slice(first, second), text.slice(second)];
  yield [...text];
}

test.each([
  ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 102 Continue\r\n\r\n"],
  ["HTTP/1.0 100\r\nX: 100\r\n\r\n", "HTTP/1.0 102\r\nX: 100\r\n\r\n"],
  [`HTTP/1.1 100 \r\n\r\n${FINAL}`, `HTTP/1.1 102 \r\n\r\n${FINAL}`],
  [
    `HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n${FINAL}`,
    `HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 102 C\r\n\r\nHTTP/1.1 102 C\r\n\r\n${FINAL}`,
  ],
  ["HTTP/1.1 100 Continue\r\n", "HTTP/1.1 102 Continue\r\n"],
  ["HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 100", "HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 102"],
  [
    "\r\n\r\n\nHTTP/1.1 100 C\r\n\r\n\r\nHTTP/1.1 100 C",
    "\r\n\r\n\nHTTP/1.1 102 C\r\n\r\n\r\nHTTP/1.1 102 C",
  ],
  [`${EARLY_HINTS}HTTP/1.1 100`, `${EARLY_HINTS}HTTP/1.1 102`],
])("of %j nothing but the status of a 100 is changed, wherever it is cut", (bytes, becomes) => {
  for (const pieces of waysToCut(bytes)) expect(scan(pieces)).toBe(becomes);
});

test.each([
  FINAL,
  "HTTP/1.1 200 OK\r\n\r\n\r\r\n HTTP/1.1 100 \r",
  "HTTP/2.0 100 C\r\n\r\n",
  "HTTP/1.1 1",
  "HTTP/1.1 200 100\r\n",
  "HTTP/1.1 110 C\r\n\r\n",
  "HTTP/1.1 204\r\n\r\n",
  `${EARLY_HINTS}${EARLY_HINTS}${FINAL}`,
  "\r\r\n\n\rHTTP/1.1 200 OK\r\n",
])("%j is not changed, wherever it is cut", (bytes) => {
  for (const pieces of waysToCut(bytes)) expect(scan(pieces)).toBe(bytes);
});

/** A CR without an LF, at each place where a line of a head can have one. */
const BARE_CRS = [
  "HTTP/1.1 200 OK\r\r\nContent-Length: 2\r\n\r\nok",
  "HTTP/1.1 200 OK\r\r\r\nContent-Length: 2\r\n\r\nok",
  "HTTP/1.1 200\r\r\n",
  "HTTP/1.1 200 O\rK\r\n",
  "HTTP/1.1 200 OK\rX",
  "HTTP/1.1 103 Early\r\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
  "HTTP/1.1 103 Early\r\nLink: <a>\r\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
  "HTTP/1.1 103 Early\r\n\r\r\nHTTP/1.1 200 OK\r\n\r\n",
];

test.each(
  BARE_CRS.flatMap((bytes) =>
    [
      "",
      "\r\n",
      EARLY_HINTS,
      `HTTP/1.1 100 Continue\r\n\r\n${EARLY_HINTS}`,
      "HTTP/2.0 103 Early\r\n\r\n",
    ].map((before) => before + bytes),
  ),
)("%j has a CR without an LF, and is refused wherever it is cut", (bytes) => {
  for (const pieces of waysToCut(bytes)) expect(scan(pieces)).toBeUndefined();
});

test("every response is scanned, and nothing after the status line of the final one", () => {
  const scanner = new ResponseHeadScanner();
  for (let response = 0; response < 3; response += 1) {
    expect(scanner.scan(Buffer.from(`${EARLY_HINTS}HTTP/1.1 200 OK\r`))).toBe(true);
    expect(scanner.isDone).toBe(false);
    expect(scanner.scan(Buffer.from("\nX: \r\r\r\r"))).toBe(true);
    expect(scanner.isDone).toBe(true);
    expect(scanner.scan(Buffer.from("\r\r\r"))).toBe(true);
    scanner.reset();
    expect(scanner.isDone).toBe(false);
  }
  expect(scanner.scan(Buffer.from("HTTP/1.1 200 OK\r\r"))).toBe(false);
});
