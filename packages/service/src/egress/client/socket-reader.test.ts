import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import type { RawTarget } from "../../../../testkit/src/target.ts";
import { startRawTarget } from "../../../../testkit/src/target.ts";
import { deferred } from "../../../../testkit/src/deferred.ts";
import { SocketReader } from "./socket-reader.ts";

let target: RawTarget | undefined;
let opened: Socket | undefined;
afterEach(async () => {
  opened?.destroy();
  await target?.[Symbol.asyncDispose]();
});

interface Read {
  readonly reader: SocketReader;
  readonly socket: Socket;
  readonly peer: Socket;
  readonly chunks: readonly Buffer[];
  /** Whether the reader wants more after the next piece. */
  wants: boolean;
  isEnded: boolean;
}

async function startReading(): Promise<Read> {
  const accepted = deferred<Socket>();
  target = await startRawTarget(accepted.resolve);
  const socket = (opened = connect(target.port, "127.0.0.1"));
  await once(socket, "connect");
  const chunks: Buffer[] = [];
  const onBytes = (bytes: Buffer): boolean => {
    chunks.push(bytes);
    return read.wants;
  };
  const reader = new SocketReader(socket, onBytes, () => false);
  const peer = await accepted.promise;
  const read: Read = { reader, socket, peer, chunks, wants: true, isEnded: false };
  socket.on("end", () => (read.isEnded = true)).resume();
  return read;
}

function text({ chunks }: Read): string {
  return Buffer.concat(chunks).toString();
}

test("what comes is passed on, and the end after it", async () => {
  const read = await startReading();
  read.peer.write("first");
  await expect.poll(() => text(read)).toBe("first");
  read.peer.end(" second");
  await expect.poll(() => read.isEnded).toBe(true);
  expect(text(read)).toBe("first second");
});

test("nothing is read while no more is wanted, and all of it after that", async () => {
  const read = await startReading();
  read.wants = false;
  read.peer.write("first");
  await expect.poll(() => text(read)).toBe("first");
  const LARGE = 16 * 1_024 * 1_024;
  read.peer.end(Buffer.alloc(LARGE, "x"));
  for (let turn = 0; turn < 100; turn += 1) await setImmediate();
  expect([text(read), read.isEnded]).toEqual(["first", false]);
  expect(read.peer.writableLength).toBeGreaterThan(0);
  read.wants = true;
  read.reader.resume();
  await expect.poll(() => read.isEnded).toBe(true);
  expect(text(read).length).toBe(LARGE + "first".length);
});

test("what was decrypted before the pause waits in its order, small pieces joined, and its end behind it", async () => {
  const read = await startReading();
  read.wants = false;
  const large = "L".repeat(3_000);
  // As a TLS connection does, which cannot stop within what it has decrypted.
  const pushed = ["a", "b", "c", large, "d", "e", large, "f"].map((piece) =>
    read.socket.push(Buffer.from(piece)),
  );
  expect(pushed).not.toContain(true);
  read.socket.push(null);
  expect(text(read)).toBe("a");
  read.wants = true;
  read.reader.resume();
  await expect.poll(() => read.isEnded).toBe(true);
  expect(text(read)).toBe(`abc${large}de${large}f`);
  expect(read.chunks.map(({ length }) => length)).toEqual([1, 2, 3_000, 2, 3_000, 1]);
});

test("what waits is passed on only as far as more is wanted", async () => {
  const read = await startReading();
  read.wants = false;
  const large = "L".repeat(3_000);
  for (const piece of [large, large, large]) read.socket.push(Buffer.from(piece));
  read.reader.resume();
  expect(read.chunks).toHaveLength(2);
  read.reader.resume();
  expect(read.chunks).toHaveLength(3);
});

test("a socket is given back with what was not passed on, in its order, and its end", async () => {
  const read = await startReading();
  read.wants = false;
  for (const piece of ["a", "b", "c"]) read.socket.push(Buffer.from(piece));
  read.socket.push(null);
  read.reader.release(Buffer.from("rest "));
  let rest = "";
  read.socket.on("data", (chunk) => (rest += String(chunk)));
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  expect(rest).toBe("");
  read.socket.resume();
  await expect.poll(() => read.isEnded).toBe(true);
  expect([text(read), rest]).toEqual(["a", "rest bc"]);
});
