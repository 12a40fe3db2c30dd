import { expect, test } from "vitest";
import { LatestHead } from "./latest-head.ts";
import { readFastHead } from "./request-head.ts";

const HEAD = Buffer.from("GET /a HTTP/1.1\r\nHost: b\r\n\r\n");

test("all repetitions share one head, which is read once", () => {
  const latest = new LatestHead();
  latest.keep(HEAD);
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
  latest.keep(HEAD);
  const first = latest.repeated(readFastHead);
  const other = Buffer.from(HEAD.toString().replace("/a", "/b"));
  latest.keep(other);
  expect(latest.isPrefixOf(HEAD)).toBe(false);
  expect(latest.repeated(readFastHead)?.url).toBe("/b");
  expect(first?.url).toBe("/a");
  latest.keep(Buffer.alloc(4_097));
  expect(latest.isPrefixOf(other)).toBe(false);
  expect(latest.isPrefixOf(Buffer.alloc(4_097))).toBe(false);
});
