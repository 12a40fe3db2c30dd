import { expect, test } from "vitest";
import { KeptBytes } from "./kept-bytes.ts";

const TEXT = Buffer.from("some bytes");

test("the same bytes are recognized, also with others after them, and no fewer or other bytes", () => {
  const kept = new KeptBytes(100);
  expect(kept.isPrefixOf(TEXT)).toBe(false);
  expect(kept.keep(TEXT)).toBe(true);
  expect(kept.length).toBe(TEXT.length);
  expect(kept.bytes).toEqual(TEXT);
  expect(kept.isPrefixOf(Buffer.from(TEXT))).toBe(true);
  expect(kept.isPrefixOf(Buffer.concat([TEXT, TEXT]))).toBe(true);
  for (let at = 0; at < TEXT.length; at += 1) {
    expect(kept.isPrefixOf(TEXT.subarray(0, at))).toBe(false);
    const changed = Buffer.from(TEXT);
    changed[at] = (changed[at] ?? 0) ^ 0x20;
    expect(kept.isPrefixOf(changed)).toBe(false);
  }
});

test("only the latest bytes are kept, in memory that is used again and is little more than they need", () => {
  const kept = new KeptBytes(4_096);
  kept.keep(Buffer.concat([TEXT, TEXT]));
  const { buffer } = kept.bytes;
  kept.keep(TEXT);
  expect(kept.isPrefixOf(TEXT)).toBe(true);
  expect(kept.isPrefixOf(Buffer.concat([TEXT, TEXT]).subarray(0, 12))).toBe(true);
  expect(kept.bytes.buffer).toBe(buffer);
  expect(buffer.byteLength).toBe(512);
});

test("of many bytes none are kept, nor those before them, and nothing else of a longer read is", () => {
  const kept = new KeptBytes(100);
  const read = Buffer.alloc(65_536);
  TEXT.copy(read);
  kept.keep(read.subarray(0, TEXT.length));
  read.fill(0);
  expect(kept.isPrefixOf(TEXT)).toBe(true);
  expect(kept.keep(Buffer.alloc(101))).toBe(false);
  expect(kept.isPrefixOf(TEXT)).toBe(false);
  expect(kept.isPrefixOf(Buffer.alloc(101))).toBe(false);
});
