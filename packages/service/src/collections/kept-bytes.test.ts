import { expect, test } from "vitest";
import { KeptBytes } from "./kept-bytes.ts";

const TEXT = Buffer.from("some bytes");

test("the same bytes are recognized, also with others after them, and no fewer or other bytes", () => {
  const kept = KeptBytes.of(TEXT, 100);
  expect(kept?.length).toBe(TEXT.length);
  expect(kept?.isAt(Buffer.from(TEXT))).toBe(true);
  expect(kept?.isAt(Buffer.concat([TEXT, TEXT]))).toBe(true);
  for (let at = 0; at < TEXT.length; at += 1) {
    expect(kept?.isAt(TEXT.subarray(0, at))).toBe(false);
    const changed = Buffer.from(TEXT);
    changed[at] = (changed[at] ?? 0) ^ 0x20;
    expect(kept?.isAt(changed)).toBe(false);
  }
});

test("many bytes are not kept, and nothing else of a longer read is", () => {
  expect(KeptBytes.of(Buffer.alloc(101), 100)).toBeUndefined();
  const read = Buffer.alloc(65_536);
  TEXT.copy(read);
  const kept = KeptBytes.of(read.subarray(0, TEXT.length), 100);
  read.fill(0);
  expect(kept?.isAt(TEXT)).toBe(true);
});
