import { expect, test } from "vitest";
import { LatestResponseHead } from "./latest-response-head.ts";
import { ResponseParser } from "./response-parser.ts";

const MAX_HEAD_BYTES = 16_384;

/** @returns whether each of these responses, one after the other, began with the head of the one before. */
function readAll(...responses: readonly string[]): boolean[] {
  const parser = new ResponseParser(MAX_HEAD_BYTES, new LatestResponseHead());
  const repeated = responses.map((response) => {
    parser.start({ isHead: false, maySwitch: false });
    parser.add(Buffer.from(response));
    expect(parser.next()).toBe("head");
    return parser.isHeadRepeated;
  });
  parser.free();
  return repeated;
}

const response = (lines: string): string => `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${lines}\r\nok`;
const SHORT = response("");

test("a head is recognized when it comes again, unless it is long or has many lines", () => {
  expect(readAll(SHORT, SHORT)).toEqual([false, true]);
  for (const lines of [`X: ${"x".repeat(4_096)}\r\n`, "a:b\r\n".repeat(64)])
    expect(readAll(SHORT, response(lines), response(lines), SHORT)).toEqual([false, false, false, false]);
  const few = response("a:b\r\n".repeat(63));
  expect(readAll(few, few)).toEqual([false, true]);
});
