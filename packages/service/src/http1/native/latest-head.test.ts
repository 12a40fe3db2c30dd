import { expect, test } from "vitest";
import { LatestHead } from "./latest-head.ts";
import { readFastHead } from "./request-head.ts";

const HEAD = Buffer.from("GET /a HTTP/1.1\r\nHost: b\r\n\r\n");
const FEW_LINES = { rawHeaders: ["Host", "b"] };

test("all repetitions share one head, which is read once", () => {
  const latest = new LatestHead();
  latest.keep(HEAD, FEW_LINES);
  let reads = 0;
  const read = (bytes: Buffer): ReturnType<typeof readFastHead> => {
    reads += 1;
    return readFastHead(bytes);
  };
  expect(latest.isPrefixOf(Buffer.from(HEAD))).toBe(true);
  const first = latest.repeated(read);
  expect(first?.url).toBe("/a");
  expect(latest.repeated(read)).toBe(first);
  expect(reads).toBe(1);
});

test("another head is read anew, and one that is long is not kept", () => {
  const latest = new LatestHead();
  latest.keep(HEAD, FEW_LINES);
  const first = latest.repeated(readFastHead);
  const other = Buffer.from(HEAD.toString().replace("/a", "/b"));
  latest.keep(other, FEW_LINES);
  expect(latest.isPrefixOf(HEAD)).toBe(false);
  expect(latest.repeated(readFastHead)?.url).toBe("/b");
  expect(first?.url).toBe("/a");
  latest.keep(Buffer.alloc(4_097), FEW_LINES);
  expect(latest.isPrefixOf(other)).toBe(false);
  expect(latest.isPrefixOf(Buffer.alloc(4_097))).toBe(false);
});

test("a head of many short lines is not kept: what is made of it takes far more memory than its bytes", () => {
  const latest = new LatestHead();
  const lines = (count: number) => ({ rawHeaders: Array.from({ length: 2 * count }, () => "a") });
  latest.keep(HEAD, lines(64));
  expect(latest.isPrefixOf(HEAD)).toBe(true);
  latest.keep(HEAD, lines(65));
  expect(latest.isPrefixOf(HEAD)).toBe(false);
});
