import { afterEach, beforeEach, expect, test } from "vitest";
import { AWS_KEY } from "../../../testkit/src/aws4-reference.ts";
import { call, createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import { OK_RESPONSE, rawResponder, rawResponderAfterBody } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";

/*
 * A piece of one byte takes some 360 bytes of memory, so a body or response in such pieces would be hundreds of times as large in
 * memory as on the wire. Each test sends enough to fill this heap many times if pieces were kept.
 */
const HEAP_MB = 80;

/** Longest wait for an expected event. */
const POLL = { timeout: 60_000 };

const KIB = 1024;
const MIB = 1024 * KIB;
/** A body that would take more than the heap in pieces of one byte. */
const QUARTER = 256 * KIB;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let service: ServiceProcess;
let create: string;
let exporting: string;
const wires: RawConnection[] = [];

beforeEach(async () => {
  directory = await temporaryDirectory();
  const env = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` };
  // On a busy machine a write of the store waits for a turn of the event loop longer than it would otherwise be given.
  const flags = ["--store-write-timeout-ms", String(POLL.timeout)];
  service = await spawnService(directory.path, { env, flags });
  ({ create } = await firstTokens(directory.path));
  exporting = (await createMembrane(service, create, "m")).export;
});

afterEach(async () => {
  for (const connection of wires.splice(0)) await connection[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

/** Formats a text in chunks of one byte, without the last chunk. */
function inChunks(text: string): Buffer {
  return Buffer.from(
    text.replaceAll(/[^]/g, (byte) => `1\r\n${byte}\r\n`),
    "latin1",
  );
}

const LAST_CHUNK = "0\r\n\r\n";

const post = (token: string): string =>
  requestHead(token, { line: "POST / HTTP/1.1", headers: ["Transfer-Encoding: chunked"] });

async function open(count: number): Promise<readonly RawConnection[]> {
  const opened = await Promise.all(Array.from({ length: count }, () => openRawConnection(service.port)));
  wires.push(...opened);
  return opened;
}

/** Waits until the service has read as much from these connections as it will. */
async function expectRead(opened: readonly RawConnection[]): Promise<void> {
  const sent = (): number =>
    opened.reduce((sum, { socket }) => sum + socket.bytesWritten - socket.writableLength, 0);
  let before = -1;
  let unchanged = 0;
  for (let look = 0; look < 1_000 && unchanged < 20; look += 1) {
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    unchanged = sent() === before ? unchanged + 1 : 0;
    before = sent();
  }
  expect(unchanged).toBe(20);
}

/** Expects that others are served: a membrane is created, exported through, and used. */
async function expectServed(id: string): Promise<void> {
  await using target = await startRawTarget(rawResponder(OK_RESPONSE));
  const membrane = await createMembrane(service, create, id);
  const token = await exportThrough(service, membrane.export, { uri: target.url });
  expect(await call(service, token)).toMatchObject({ status: 200, text: "ok" });
}

test("bodies in chunks of one byte that are buffered for a signature take no more memory than is counted for them", async () => {
  await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
  const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: "lambda" } };
  const token = await exportThrough(service, exporting, { uri: target.url, hmac });
  const opened = await open(4);
  const body = inChunks("x".repeat(QUARTER));
  for (const connection of opened) {
    connection.send(post(token));
    connection.send(body);
  }
  await Promise.all(
    opened.map((connection) => expect.poll(() => connection.socket.writableLength, POLL).toBe(0)),
  );
  await expectServed("while they are held");
  for (const connection of opened) {
    connection.send(LAST_CHUNK);
    expect(await nextResponse(connection)).toMatchObject({ status: 200 });
  }
});

test("six management bodies in chunks of one byte are carried out", async () => {
  const opened = await open(6);
  for (const [i, connection] of opened.entries()) {
    const text = JSON.stringify({ id: `tiny ${i}` });
    connection.send(post(create));
    connection.send(inChunks(text.slice(0, -1).padEnd(QUARTER - 1) + text.slice(-1)));
  }
  await expectServed("while they come");
  for (const connection of opened) connection.send(LAST_CHUNK);
  for (const connection of opened) expect(await nextResponse(connection)).toMatchObject({ status: 201 });
});

test("bodies that are streamed in chunks of one byte to a target that reads nothing wait without filling the memory", async () => {
  let connections = 0;
  await using target = await startRawTarget((socket) => {
    connections += 1;
    socket.pause();
  });
  const token = await exportThrough(service, exporting, { uri: target.url });
  const body = inChunks("x".repeat(QUARTER));
  const opened = await open(40);
  for (const connection of opened) {
    connection.send(post(token));
    connection.send(body);
  }
  await expect.poll(() => connections, POLL).toBe(40);
  await expectRead(opened);
  await expectServed("while they wait");
});

test("bodies in chunks of one byte of pipelined requests wait without filling the memory", async () => {
  await using target = await startRawTarget(() => undefined);
  const token = await exportThrough(service, exporting, { uri: target.url });
  const waiting = `${post(token)}${inChunks("x".repeat(15 * KIB)).toString("latin1")}${LAST_CHUNK}`;
  const opened = await open(40);
  for (const connection of opened) connection.send(requestHead(token) + waiting.repeat(4));
  await expectRead(opened);
  await expectServed("while they wait");
});

test("responses in chunks of one byte to clients that read nothing wait without filling the memory", async () => {
  const response = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${inChunks("x".repeat(2 * MIB)).toString("latin1")}`;
  await using target = await startRawTarget(rawResponder(response));
  const token = await exportThrough(service, exporting, { uri: target.url });
  for (const connection of await open(250)) {
    connection.socket.pause();
    connection.send(requestHead(token));
  }
  await expectServed("while they wait");
});
