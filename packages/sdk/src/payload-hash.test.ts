import { createHash } from "node:crypto";
import { BUFFERED_BODY_BYTES } from "capability-protocol";
import { expect, test } from "vitest";
import { payloadHash } from "./payload-hash.ts";

const LARGE = BUFFERED_BODY_BYTES + 1;
const bytes = Buffer.alloc(LARGE, "a");
const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");

test.each([
  ["a string", "a".repeat(LARGE)],
  ["bytes", new Uint8Array(bytes)],
  ["a part of a buffer", new Uint8Array(Buffer.concat([Buffer.from("xx"), bytes]).buffer.slice(0), 2)],
  ["an ArrayBuffer", new Uint8Array(bytes).buffer],
  ["a Blob", new Blob([bytes])],
])("%s over the size that a service buffers is hashed", async (_, data) => {
  expect(await payloadHash(data)).toEqual(["X-Payload-Sha256", sha256(bytes)]);
});

test("the size of a string is that of its UTF-8 bytes", async () => {
  const text = "\u20ac".repeat(Math.ceil(LARGE / 3));
  expect(await payloadHash(text)).toEqual(["X-Payload-Sha256", sha256(text)]);
  expect(await payloadHash("a".repeat(BUFFERED_BODY_BYTES))).toBeUndefined();
});

test.each([
  ["a smaller string", "a"],
  ["bytes that a service buffers", new Uint8Array(BUFFERED_BODY_BYTES)],
  ["a smaller Blob", new Blob(["a"])],
  ["a stream", new ReadableStream()],
  ["a form", new URLSearchParams("a=b")],
  ["nothing", undefined],
])("%s is sent without a hash", async (_, data) => {
  expect(await payloadHash(data)).toBeUndefined();
});
