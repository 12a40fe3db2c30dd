import { expect, test } from "vitest";
import { LatestHead } from "./latest-head.ts";
import { readFastHead } from "./request-head.ts";

const HEAD = Buffer.from("GET /a HTTP/1.1\r\nHost: b\r\n\r\n");

test("the same bytes are recognized, also with others after them, and no fewer or other bytes", () => {
  const latest = LatestHead.of(HEAD);
  expect(latest?.length).toBe(HEAD.length);
  expect(latest?.isAt(Buffer.from(HEAD))).toBe(true);
  expect(latest?.isAt(Buffer.concat([HEAD, HEAD]))).toBe(true);
  for (let at = 0; at < HEAD.length; at += 1) {
    expect(latest?.isAt(HEAD.subarray(0, at))).toBe(false);
    const changed = Buffer.from(HEAD);
    changed[at] = (changed[at] ?? 0) ^ 0x20;
    expect(latest?.isAt(changed)).toBe(false);
  }
});

test("all repetitions share one head, which is read once", () => {
  const latest = LatestHead.of(HEAD);
  let reads = 0;
  const read = (bytes: Buffer): ReturnType<typeof readFastHead> => {
    reads += 1;
    return readFastHead(bytes);
  };
  const first = latest?.repeated(read);
  expect(first?.head.url).toBe("/a");
  expect(latest?.repeated(read)).toBe(first);
  expect(reads).toBe(1);
});

test("a head that is long is not kept, and no other part of a read is", () => {
  expect(LatestHead.of(Buffer.alloc(4_097))).toBeUndefined();
  const read = Buffer.alloc(65_536);
  HEAD.copy(read);
  const latest = LatestHead.of(read.subarray(0, HEAD.length));
  read.fill(0);
  expect(latest?.isAt(HEAD)).toBe(true);
});
