import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { RequestOwner } from "./request.ts";
import { NativeRequest } from "./request.ts";

/** Where a connection would be paused, received, and read on. */
class Owner implements RequestOwner {
  readonly destroyed = false;
  isPaused = false;
  received = 0;

  on(): void {}

  off(): void {}

  pauseBody(): void {
    this.isPaused = true;
  }

  resumeBody(): void {
    this.isPaused = false;
  }

  onReceived(): void {
    this.isPaused = false;
    this.received += 1;
  }
}

function requestWithBody(length: number) {
  const owner = new Owner();
  const head = { method: "PUT", url: "/", rawHeaders: [], length };
  const request = new NativeRequest(head, false, owner);
  const pieces: Buffer[] = [];
  let ends = 0;
  request.on("end", () => (ends += 1));
  return {
    owner,
    request,
    pieces,
    ends: () => ends,
    read: () => request.on("data", (piece) => void pieces.push(piece)),
  };
}

const BODY = Buffer.from(Array.from({ length: 3_000 }, (_, at) => at % 251));

function sendByteByByte({ request }: { readonly request: NativeRequest }): void {
  for (let at = 0; at < BODY.length; at += 1) expect(request.take(BODY.subarray(at, at + 1))).toBeUndefined();
}

test("thousands of pieces of one byte that arrive in one turn are a few pieces for their reader", async () => {
  const body = requestWithBody(BODY.length);
  body.read();
  await setImmediate();
  sendByteByByte(body);
  expect(body.ends()).toBe(0);
  await setImmediate();
  expect(body.pieces.length).toBeLessThan(20);
  expect(Buffer.concat(body.pieces)).toEqual(BODY);
  expect(body.ends()).toBe(1);
  expect(body.owner.received).toBe(1);
});

test("pieces that arrive before their reader are one piece, and the connection is paused while more is to come", async () => {
  const body = requestWithBody(BODY.length + 1);
  sendByteByByte(body);
  expect(body.owner.isPaused).toBe(true);
  body.read();
  await setImmediate();
  expect(body.pieces).toEqual([BODY]);
  expect(body.owner.isPaused).toBe(false);
  body.request.take(Buffer.from("!"));
  await setImmediate();
  expect(body.ends()).toBe(1);
});

test("a reader that pauses gets nothing until it resumes, also of what was joined", async () => {
  const body = requestWithBody(BODY.length);
  body.read();
  await setImmediate();
  sendByteByByte(body);
  const before = body.pieces.length;
  body.request.pause();
  await setImmediate();
  expect(body.pieces).toHaveLength(before);
  expect(body.ends()).toBe(0);
  body.request.resume();
  await setImmediate();
  expect(Buffer.concat(body.pieces)).toEqual(BODY);
  expect(body.ends()).toBe(1);
});

test("what follows the body is handed back, in order", () => {
  const body = requestWithBody(4);
  expect(body.request.take(Buffer.from("bod"))).toBeUndefined();
  expect(body.request.take(Buffer.from("yGET"))?.toString()).toBe("GET");
  expect(body.request.complete).toBe(true);
  expect(body.request.take(Buffer.from("HEAD"))?.toString()).toBe("HEAD");
});
