import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { LISTENERS } from "../support/http-adapters.ts";
import { BODIES } from "../support/known-requests/bodies.ts";
import { HEADS } from "../support/known-requests/heads.ts";
import type { KnownRequests } from "../support/known-requests/row.ts";

/*
 * What a connection is understood as must not depend on who reads it, or on the pieces in which it comes. Each row is sent whole, and cut in
 * two at some of its bytes; HTTP1_SPLITS=every cuts at all.
 */

const STEP = process.env["HTTP1_SPLITS"] === "every" ? 1 : 16;

/** How many connections are open at a time: a chunked request that waits counts as two megabytes, of 64 that all may take. */
const CONCURRENT = 16;

const HEALTH = requestHead(undefined, { line: "GET /healthz HTTP/1.1" });

describe.each(LISTENERS)("over $adapter:", ({ listenHttp }) => {
  let service: TestService;
  let target: TestTarget;
  let authorization: string;
  beforeAll(async () => {
    service = await startTestService({ listenHttp });
    target = await startTarget();
    const { token } = await exportTarget(service, { uri: target.url, allowQuery: true });
    authorization = `Authorization: Bearer ${token}\r\n`;
  });
  afterAll(async () => {
    await service.close();
    await target[Symbol.asyncDispose]();
  });

  test.each([...BODIES, ...HEADS])("$name: $gets, wherever it is cut", async (row) => {
    const bytes = Buffer.from(row.sends.replaceAll("{A}", authorization), "latin1");
    const cuts = [bytes.length];
    for (let cut = 1 + (row.name.length % STEP); cut < bytes.length; cut += STEP) cuts.push(cut);
    const before = target.requests.length;
    for (let at = 0; at < cuts.length; at += CONCURRENT)
      await sendCut(bytes, cuts.slice(at, at + CONCURRENT), row);
    const came = target.requests
      .slice(before)
      .map(({ method, url, body }) => `${method} ${url} ${body.toString()}`);
    expect(came.toSorted()).toEqual(cuts.flatMap(() => row.reaches).toSorted());
  });

  /** Sends the bytes on as many connections, each cut in two at another place. */
  async function sendCut(bytes: Buffer, cuts: readonly number[], row: KnownRequests): Promise<void> {
    const connections = await Promise.all(cuts.map(() => openRawConnection(service.port)));
    connections.forEach((connection, index) => connection.send(bytes.subarray(0, cuts[index])));
    await respondsToOthers();
    const outcomes = connections.map((connection, index) => {
      const rest = bytes.subarray(cuts[index]);
      if (rest.length > 0) connection.send(rest);
      return readToTheEnd(connection, row);
    });
    const { gets, closes } = row;
    expect(await Promise.all(outcomes)).toEqual(cuts.map(() => (closes ? gets : [...gets, 200])));
  }

  /** The service has read what was sent before when it responds to a request that comes later. */
  async function respondsToOthers(): Promise<void> {
    await using other = await openRawConnection(service.port);
    other.send(HEALTH);
    await nextResponse(other);
  }
});

/** @returns the statuses of all responses; the last one of a connection that goes on is that of one more request. */
async function readToTheEnd(connection: RawConnection, { gets, closes }: KnownRequests): Promise<number[]> {
  const statuses: number[] = [];
  let from = 0;
  const read = async (): Promise<void> => {
    const { status, rest } = await nextResponse(connection, { from });
    statuses.push(status);
    from = connection.received().length - rest.length;
  };
  while (statuses.length < gets.length) await read();
  if (closes) await connection.closed;
  else {
    connection.send(HEALTH);
    await read();
  }
  await connection[Symbol.asyncDispose]();
  expect(connection.received().slice(from)).toBe("");
  return statuses;
}
