import { afterAll, beforeAll, expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { listenNative } from "../../src/http1/native/listen.ts";
import { DENIED, MALFORMED, PASSED } from "../support/http1-request-cases.ts";

/*
 * A request means the same in whatever pieces it arrives, also where it goes from one lane to the other in the middle of its head. Each row
 * is cut in two at one of its bytes, every 16th of them; HTTP1_SPLITS=every cuts at all.
 */

const STEP = process.env["HTTP1_SPLITS"] === "every" ? 1 : 16;

/** After so many bytes no row is cut: what is longer repeats itself. */
const MAX_LENGTH = 600;

let service: TestService;
let target: TestTarget;
let token: string;
beforeAll(async () => {
  service = await startTestService({ listenHttp: listenNative, aliases: ["alias.test:8443"] });
  target = await startTarget();
  ({ token } = await exportTarget(service, { uri: target.url, allowQuery: true }));
});
afterAll(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

/** A row: what is sent, the status of its response, and whether its target gets a request. */
const ROWS: readonly (readonly [string, number, string, boolean])[] = [
  ...MALFORMED.map(([name, sends]) => [name, 400, sends, false] as const),
  ...PASSED.map(({ name, status, sends }) => [name, status, sends, true] as const),
  ...DENIED.map(({ name, status, sends }) => [name, status, sends, false] as const),
];

test.each(ROWS)("%s: %i, wherever it is cut", async (name, status, sends, passes) => {
  const bytes = Buffer.from(sends.replaceAll("{A}", `Authorization: Bearer ${token}\r\n`), "latin1");
  const before = target.requests.length;
  const cuts: number[] = [];
  for (let cut = 1 + (name.length % STEP); cut < Math.min(bytes.length, MAX_LENGTH); cut += STEP)
    cuts.push(cut);
  for (let at = 0; at < cuts.length; at += CONCURRENT) {
    const statuses = cuts.slice(at, at + CONCURRENT).map((cut) => sendCut(bytes, cut));
    expect(await Promise.all(statuses)).toEqual(statuses.map(() => status));
  }
  expect(target.requests).toHaveLength(before + (passes ? cuts.length : 0));
});

const CONCURRENT = 16;

/** @returns the status of the response. */
async function sendCut(bytes: Buffer, cut: number): Promise<number> {
  await using connection = await openRawConnection(service.port);
  connection.send(bytes.subarray(0, cut));
  // The service has read the first piece when it responds to a request that came after it.
  await using other = await openRawConnection(service.port);
  other.send(requestHead(undefined, { line: "GET /healthz HTTP/1.1" }));
  await nextResponse(other);
  connection.send(bytes.subarray(cut));
  const [method] = bytes.toString("latin1").trimStart().split(" ");
  return (await nextResponse(connection, method === "HEAD" ? { method } : {})).status;
}
