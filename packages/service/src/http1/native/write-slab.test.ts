import { once } from "node:events";
import type { Socket } from "node:net";
import { connect, createServer } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { WriteSlab } from "./write-slab.ts";

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** Both ends of a connection. */
async function connection(): Promise<{ readonly near: Socket; readonly far: Socket }> {
  const server = createServer({ noDelay: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a server listens on an address");
  const accepted = once(server, "connection");
  const far = connect(address.port, "127.0.0.1");
  const [near] = (await accepted) as [Socket];
  server.close();
  open.push(near, far);
  return { near, far };
}

test("what waits for one client is not overwritten by what is written to others", async () => {
  const slab = new WriteSlab();
  const [slow, fast] = [await connection(), await connection()];
  fast.far.resume();
  // More than the operating system takes for a client that does not read.
  slow.near.write(Buffer.alloc(16 * 1_024 * 1_024, "-"));
  expect(slow.near.writableLength).toBeGreaterThan(0);
  const expected: string[] = [];
  for (let at = 0; at < 100; at += 1) {
    const [before, after] = [`<${at}`, at % 2 === 0 ? ">" : ""];
    const piece = Buffer.alloc(at * 97, String(at % 10));
    slab.write(slow.near, before, piece, after);
    slab.write(fast.near, "other ", Buffer.alloc(at * 31, "x"), " text");
    expected.push(before + piece.toString() + after);
  }
  slow.near.end();
  const received = (await buffer(slow.far)).toString();
  expect(received.slice(received.indexOf("<"))).toBe(expected.join(""));
});

test("the memory of what was taken at once is used again, and that of what waits is not", async () => {
  const slab = new WriteSlab();
  const { near } = await connection();
  const written: Buffer[] = [];
  const write = near.write.bind(near);
  near.write = (bytes: Buffer) => {
    written.push(bytes);
    return write(bytes);
  };
  const isReused = () => {
    const [first, second] = written.slice(-2);
    return first?.buffer === second?.buffer && first?.byteOffset === second?.byteOffset;
  };
  slab.write(near, "a", Buffer.from("b"), "c");
  slab.write(near, "d", Buffer.from("e"), "f");
  expect(isReused()).toBe(true);
  write(Buffer.alloc(16 * 1_024 * 1_024));
  slab.write(near, "g", Buffer.from("h"), "i");
  slab.write(near, "j", Buffer.from("k"), "l");
  expect(isReused()).toBe(false);
  expect(written.slice(-2).map(String)).toEqual(["ghi", "jkl"]);
});
