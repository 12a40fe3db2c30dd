import { expect, test } from "vitest";
import { LatestHead } from "./latest-head.ts";
import { readFastHead } from "./request-head.ts";

const HEAD = Buffer.from("GET /a HTTP/1.1\r\nHost: b\r\n\r\n");

test("all repetitions share one head, which is read once", () => {
  const latest = LatestHead.of(HEAD);
  let reads = 0;
  const read = (bytes: Buffer): ReturnType<typeof readFastHead> => {
    reads += 1;
    return readFastHead(bytes);
  };
  expect(latest?.isAt(Buffer.from(HEAD))).toBe(true);
  const first = latest?.repeated(read);
  expect(first?.head.url).toBe("/a");
  expect(latest?.repeated(read)).toBe(first);
  expect(reads).toBe(1);
});

test("a head that is long is not kept", () => {
  expect(LatestHead.of(Buffer.alloc(4_097))).toBeUndefined();
});
