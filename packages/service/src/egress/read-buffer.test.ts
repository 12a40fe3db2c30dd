import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { RawTarget } from "../../../testkit/src/target.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import {
  MAX_SEPARATE_BUFFERS,
  POOL_BYTES,
  READ_BYTES,
  ReadBuffer,
  connectBuffered,
  bufferOf,
} from "./read-buffer.ts";

let target: RawTarget | undefined;
const opened: Socket[] = [];
afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  await target?.[Symbol.asyncDispose]();
});

function open(port: number): Socket {
  const socket = connectBuffered({ port, host: "127.0.0.1" });
  opened.push(socket);
  return socket;
}

/** Reads as Node does: into the buffer, then asks for the next one. */
function read(buffer: ReadBuffer, text: string, mayPool = true): Buffer {
  const length = buffer.next().write(text, "latin1");
  const taken = buffer.take(length, mayPool);
  buffer.next();
  return taken;
}

const LARGE = "L".repeat(READ_BYTES);

test("no later read changes what was taken, whatever its size and the body that it is of", () => {
  const [one, other] = [new ReadBuffer(), new ReadBuffer()];
  const texts = ["small", LARGE, "m".repeat(5_000), LARGE.toLowerCase(), "", LARGE, "end"];
  const taken: Buffer[] = [];
  for (const isMidBody of [false, true, false]) {
    one.isMidBody = isMidBody;
    for (const text of texts) taken.push(read(one, text), read(other, "other"));
  }
  const expected = [...texts, ...texts, ...texts].flatMap((text) => [text, "other"]);
  expect(taken.map(String)).toEqual(expected);
});

test("large reads in the middle of a body are not copied, and a connection without one has no separate buffer", () => {
  const [one, other] = [new ReadBuffer(), new ReadBuffer()];
  one.isMidBody = true;
  read(one, LARGE);
  const own = one.next();
  expect(own).not.toBe(other.next());
  expect(read(one, LARGE).buffer).toBe(own.buffer);
  one.isMidBody = false;
  expect(one.next()).toBe(other.next());
});

test("a separate buffer is read into again once nothing reads what was passed on, and not before", () => {
  const buffer = new ReadBuffer();
  buffer.isMidBody = true;
  read(buffer, LARGE);
  const separate = buffer.next().buffer;
  buffer.isFree = () => true;
  expect(read(buffer, LARGE).buffer).toBe(separate);
  expect(buffer.next().buffer).toBe(separate);
  buffer.isFree = () => false;
  const held = read(buffer, LARGE);
  expect(held.buffer).toBe(separate);
  expect(buffer.next().buffer).not.toBe(separate);
  read(buffer, LARGE.toLowerCase());
  expect(held.toString()).toBe(LARGE);
  buffer.isFree = () => true;
  const last = buffer.next().buffer;
  buffer.isMidBody = false;
  expect(buffer.next().buffer).not.toBe(last);
  buffer.release();
});

test("however many bodies wait for more after a large piece, a limited number has a separate buffer, until its connection is closed", () => {
  const shared = new ReadBuffer().next();
  const waiting = Array.from({ length: 2 * MAX_SEPARATE_BUFFERS }, () => {
    const buffer = new ReadBuffer();
    buffer.isMidBody = true;
    expect(read(buffer, LARGE).toString()).toBe(LARGE);
    return buffer;
  });
  const separate = (): ReadBuffer[] => waiting.filter((buffer) => buffer.next() !== shared);
  const first = separate();
  expect(first.length).toBeGreaterThan(0);
  expect(first.length).toBeLessThanOrEqual(MAX_SEPARATE_BUFFERS);
  first.forEach((buffer) => {
    buffer.release();
    buffer.isMidBody = false;
  });
  expect(separate()).toHaveLength(first.length);
  waiting.forEach((buffer) => buffer.release());
});

test("a connection that is closed in the middle of a body gives its separate buffer up", async () => {
  target = await startRawTarget((socket) => void socket.write(Buffer.alloc(1_000_000)));
  const { port } = target;
  const shared = new ReadBuffer().next();
  for (let count = 0; count < 2 * MAX_SEPARATE_BUFFERS; count += 1) {
    const socket = open(port);
    const buffer = bufferOf(socket)!;
    buffer.isMidBody = true;
    socket.resume();
    await expect.poll(() => buffer.next() !== shared, { interval: 1 }).toBe(true);
    const closed = once(socket, "close");
    socket.destroy();
    await closed;
  }
});

test("small reads of a long body take no buffer for themselves", () => {
  const [one, other] = [new ReadBuffer(), new ReadBuffer()];
  one.isMidBody = true;
  read(one, "small");
  expect(one.next()).toBe(other.next());
});

test("bytes that may be kept for long keep no others in memory, and small ones that are passed on only a block", () => {
  const buffer = new ReadBuffer();
  expect(read(buffer, "small", false).buffer.byteLength).toBe(5);
  expect(read(buffer, "m".repeat(5_000)).buffer.byteLength).toBe(5_000);
  expect(read(buffer, "small").buffer.byteLength).toBe(POOL_BYTES);
});

test("connections read at the same time, and each gets what was sent to it", async () => {
  const SIZE = 3_000_000;
  let connections = 0;
  target = await startRawTarget((socket) => {
    socket.end(Buffer.alloc(SIZE, String((connections += 1))));
  });
  const { port } = target;
  const hashes = await Promise.all(
    Array.from({ length: 4 }, async (_, index) => {
      const socket = open(port);
      const hash = createHash("sha256");
      const kept: Buffer[] = [];
      for await (const chunk of socket) {
        kept.push(chunk);
        const buffer = bufferOf(socket);
        if (buffer !== undefined) buffer.isMidBody = index % 2 === 0;
      }
      for (const chunk of kept) hash.update(chunk);
      return hash.digest("hex");
    }),
  );
  const expected = [1, 2, 3, 4].map((digit) =>
    createHash("sha256")
      .update(Buffer.alloc(SIZE, String(digit)))
      .digest("hex"),
  );
  expect(hashes.toSorted()).toEqual(expected.toSorted());
});
