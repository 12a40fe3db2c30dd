import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call, createMembrane, expectStatus, exportThrough, tokenOf } from "../../../testkit/src/client.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startStreamingTarget } from "../../../testkit/src/target.ts";
import { openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";

/*
 * Clients that do not read their responses: the memory for waiting responses is limited, and a client that uses up a share loses
 * only responses of that share.
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const LIMIT = 4 * MIB;

/** A capability gets a third of the budget, and each waiting response counts at least 64 KiB. */
const MAX_WAITING = Math.floor(LIMIT / 3 / (64 * KIB));

/** Longest wait for an expected event. */
const POLL = { timeout: 60_000 };

const LARGE = 8 * MIB;
const CHUNK = "x".repeat(16 * KIB);

let service: TestService;
let target: TestTarget;
let pouring: number;
const connections: RawConnection[] = [];

beforeEach(async () => {
  service = await startTestService({ limits: { waitingResponseBytesTotal: LIMIT } });
  pouring = 0;
  target = await startStreamingTarget((request, response) => {
    if (request.url === "/large") return void response.end("x".repeat(LARGE));
    pouring += 1;
    response.on("close", () => (pouring -= 1));
    pour(response);
  });
});
afterEach(async () => {
  for (const connection of connections.splice(0)) await connection[Symbol.asyncDispose]();
  await service.close();
  await target[Symbol.asyncDispose]();
});

function pour(response: ServerResponse): void {
  while (response.writable && response.write(CHUNK));
  response.once("drain", () => pour(response));
}

async function openUnread(requests: string): Promise<RawConnection> {
  const connection = await openRawConnection(service.port);
  connections.push(connection);
  connection.socket.pause();
  connection.send(requests);
  return connection;
}

async function tenant(id: string): Promise<string> {
  const made = expectStatus(await call(service, service.tokens.provision, { body: { id } }), 201);
  return tokenOf(made.json.capabilities.create);
}

async function tokens(create: string): Promise<{ readonly endless: string; readonly large: string }> {
  const { export: exporting } = await createMembrane(service, create, "m");
  return {
    endless: await exportThrough(service, exporting, { uri: target.url }),
    large: await exportThrough(service, exporting, { uri: `${target.url}large` }),
  };
}

test("a capability whose clients do not read has a limited number of waiting responses; others are served, and lose none", async () => {
  const own = await tokens(await tenant("own"));
  const other = await tokens(await tenant("other"));
  await openUnread(requestHead(other.endless));
  await expect.poll(() => pouring, POLL).toBe(1);

  const unread = [];
  for (let opened = 0; opened < MAX_WAITING + 12; opened += 1)
    unread.push(await openUnread(requestHead(own.endless)));
  await expect.poll(() => service.logged().split("WAITED_TOO_LONG").length, POLL).toBeGreaterThan(12);
  await expect.poll(() => pouring, POLL).toBeLessThanOrEqual(1 + MAX_WAITING);
  for (const { large } of [own, other]) expect((await call(service, large)).text).toHaveLength(LARGE);
  expect(pouring).toBeGreaterThan(2);
  for (const { socket } of unread) socket.destroy();
  await expect.poll(() => pouring, POLL).toBe(1);
});

test("pages of `query` whose client does not read are counted too: beyond a share its connection is closed", async () => {
  await service.close();
  service = await startTestService({ limits: { waitingResponseBytesTotal: 3 * KIB } });
  const names = Array.from({ length: 200 }, (_, i) => `${i}`.padStart(64, "x"));
  await Promise.all(names.map((name) => createMembrane(service, service.tokens.create, name)));
  const page = requestHead(service.tokens.query, { line: "GET /?limit=200 HTTP/1.1" });
  const connection = await openUnread(page.repeat(100));
  const isClosed = (): boolean => {
    // A paused socket detects a reset only when it writes.
    connection.send("\r\n");
    return connection.socket.destroyed;
  };
  await expect.poll(isClosed, POLL).toBe(true);
  expect((await call(service, service.tokens.query)).status).toBe(200);
});
