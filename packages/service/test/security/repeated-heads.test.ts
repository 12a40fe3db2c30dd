import { expect, test } from "vitest";
import { AWS_KEY } from "../../../testkit/src/aws4-reference.ts";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

/*
 * A connection whose head repeats, byte for byte, uses again what was made of that head. What changes without the head is asked for each
 * request nevertheless.
 */

async function statusOf(connection: RawConnection, request: string): Promise<number> {
  const from = connection.received().length;
  connection.send(request);
  return (await nextResponse(connection, { from })).status;
}

test("a revoke holds for the next request of a connection that repeats its head", async () => {
  await using service = await startTestService();
  await using target = await startTarget();
  const { token, revoke } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  for (let count = 0; count < 3; count += 1) expect(await statusOf(connection, requestHead(token))).toBe(200);
  expect((await call(service, revoke, { method: "POST" })).status).toBe(202);
  expect(await statusOf(connection, requestHead(token))).toBe(401);
  expect(target.requests).toHaveLength(3);
});

test("each request of a repeated head is counted as a use", async () => {
  await using service = await startTestService();
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url, limits: { maxUses: 3 } });
  await using connection = await openRawConnection(service.port);
  const statuses: number[] = [];
  for (let count = 0; count < 5; count += 1) statuses.push(await statusOf(connection, requestHead(token)));
  expect(statuses).toEqual([200, 200, 200, 401, 401]);
  expect(target.requests).toHaveLength(3);
});

test("a capability ends in time on a connection that repeats its head, and each second has a separate signature", async () => {
  let now = Date.parse("2026-01-01T00:00:00Z");
  await using service = await startTestService({ now: () => new Date(now) });
  await using target = await startTarget();
  const { token } = await exportTarget(service, {
    uri: target.url,
    hmac: { "aws4-hmac-sha256": { ...AWS_KEY, service: "lambda" } },
    limits: { expiresAt: "2026-01-01T00:00:03Z" },
  });
  await using connection = await openRawConnection(service.port);
  const statuses: number[] = [];
  for (let count = 0; count < 8; count += 1) {
    statuses.push(await statusOf(connection, requestHead(token)));
    now += 500;
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 401, 401]);
  expect(target.requests.map(({ headers }) => headers["x-amz-date"])).toEqual(
    ["000000", "000000", "000001", "000001", "000002", "000002"].map((time) => `20260101T${time}Z`),
  );
});

test("the body of each request of a repeated head is its own", async () => {
  await using service = await startTestService();
  await using target = await startTarget();
  const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: "lambda" } };
  for (const body of [{ uri: target.url }, { uri: target.url, hmac }]) {
    const { token } = await exportTarget(service, body);
    await using connection = await openRawConnection(service.port);
    const head = requestHead(token, { line: "POST / HTTP/1.1", headers: ["Content-Length: 3"] });
    for (const sent of ["one", "two", "six"]) expect(await statusOf(connection, head + sent)).toBe(200);
    expect(target.requests.slice(-3).map((request) => request.body.toString())).toEqual([
      "one",
      "two",
      "six",
    ]);
  }
});

test("another token in an otherwise equal head is another capability", async () => {
  await using service = await startTestService();
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  const other = `${token.slice(0, -1)}${token.endsWith("A") ? "Q" : "A"}`;
  await using connection = await openRawConnection(service.port);
  const statuses: number[] = [];
  for (const sent of [token, token, other, token, other, other])
    statuses.push(await statusOf(connection, requestHead(sent)));
  expect(statuses).toEqual([200, 200, 401, 200, 401, 401]);
});
