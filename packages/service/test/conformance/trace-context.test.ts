import { afterAll, beforeAll, expect, test } from "vitest";
import { AWS_KEY } from "../../../testkit/src/aws4-reference.ts";
import { call, createMembrane, expectStatus } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { nextResponse, openRawConnection } from "../../../testkit/src/raw-connection.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";

/* Tests what a service that records no traces does with W3C Trace Context: it passes the headers on, and logs the id of the trace. */

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;
const TRACESTATE = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";
const CAP1 = { "cap1-hmac-sha512": { key: Buffer.alloc(64).toString("base64url"), keyId: "k" } };
const AWS4 = { ...AWS_KEY, region: "us-east-1", service: "lambda" };

let service: TestService;
let target: TestTarget;

beforeAll(async () => {
  target = await startTarget((request, response) => {
    response.statusCode = request.url === "/fail" ? 500 : 200;
    response.end();
  });
  service = await startTestService({ trustedProxies: ["127.0.0.0/8"] });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

interface LogLine {
  readonly requestId?: string;
  readonly traceId?: string;
  readonly msg: string;
}

function linesOf(requestId: string): readonly LogLine[] {
  const lines = service.logged().trim().split("\n");
  return lines.map((line): LogLine => JSON.parse(line)).filter((line) => line.requestId === requestId);
}

test.each([
  ["a plain target", {}],
  ["a target signed with aws4-hmac-sha256", { hmac: { "aws4-hmac-sha256": AWS4 } }],
  ["a target signed with cap1-hmac-sha512", { hmac: CAP1 }],
])("%s gets traceparent and tracestate as the client sent them", async (_case, body) => {
  const { token } = await exportTarget(service, { uri: target.url, ...body });
  for (const sent of [TRACEPARENT, "not valid"]) {
    const headers = { traceparent: sent, tracestate: TRACESTATE };
    expectStatus(await call(service, token, { headers }), 200);
    expect(target.requests.at(-1)?.headers).toMatchObject(headers);
  }
  expectStatus(await call(service, token), 200);
  expect(target.requests.at(-1)?.headers).not.toHaveProperty("traceparent");
  expect(target.requests.at(-1)?.headers).not.toHaveProperty("tracestate");
});

test("the signature of an aws4 target does not cover them, since proxies rewrite them, and that of a cap1 target does", async () => {
  const headers = { traceparent: TRACEPARENT, tracestate: TRACESTATE };
  for (const [hmac, isSigned] of [
    [{ "aws4-hmac-sha256": AWS4 }, false],
    [CAP1, true],
  ] as const) {
    const { token } = await exportTarget(service, { uri: target.url, hmac });
    expectStatus(await call(service, token, { headers }), 200);
    expect(target.requests.at(-1)?.headers.authorization?.includes("traceparent")).toBe(isSigned);
  }
});

test("a traceparent that the target configures, or that limits do not let pass, is not the client's", async () => {
  const own = await exportTarget(service, { uri: target.url, headers: { traceparent: "own" } });
  const narrow = await exportTarget(service, { uri: target.url, limits: { headers: { "x-a": true } } });
  const headers = { traceparent: TRACEPARENT };
  expectStatus(await call(service, own.token, { headers }), 200);
  expect(target.requests.at(-1)?.headers["traceparent"]).toBe("own");
  expectStatus(await call(service, narrow.token, { headers }), 200);
  expect(target.requests.at(-1)?.headers).not.toHaveProperty("traceparent");
});

test("each line of the log that is of a request has the id of the client's trace", async () => {
  const membrane = await createMembrane(service, service.tokens.create, "traced");
  const { token } = await exportTarget(service, { uri: target.url, allowPath: true });
  const { token: unreachable } = await exportTarget(service, { uri: "http://127.0.0.1:1/" });
  const rows: readonly (readonly [string | undefined, object, readonly string[]])[] = [
    [token, {}, ["invoked"]],
    [token, { path: "/fail" }, ["invoked"]],
    [token, { path: "/a%2fb" }, ["refused"]],
    [unreachable, {}, ["invocation failed"]],
    [undefined, {}, ["refused"]],
    [service.tokens.create, { body: { id: "made" } }, ["changed", "managed"]],
    [membrane.revoke, { method: "DELETE" }, ["changed", "managed"]],
  ];
  for (const [index, [presented, options, messages]] of rows.entries()) {
    const headers = { traceparent: TRACEPARENT, "x-request-id": `r-${index}` };
    await call(service, presented, { ...options, headers });
    const lines = linesOf(`r-${index}`);
    expect(lines.map(({ msg }) => msg)).toEqual(messages);
    for (const line of lines) expect(line.traceId).toBe(TRACE);
  }
});

test("a head that is refused as malformed is logged with the trace that it names", async () => {
  await using connection = await openRawConnection(service.port);
  const lines = [
    "GET / HTTP/1.1",
    "Host: a",
    "Host: b",
    `traceparent: ${TRACEPARENT}`,
    "X-Request-Id: malformed",
  ];
  connection.send(`${lines.join("\r\n")}\r\n\r\n`);
  expect((await nextResponse(connection)).status).toBe(400);
  expect(linesOf("malformed")).toMatchObject([{ msg: "refused", traceId: TRACE }]);
});

test("nothing of a traceparent that is not valid is logged, and nothing of a tracestate", async () => {
  const { token } = await exportTarget(service, { uri: target.url });
  for (const sent of [`${TRACEPARENT}-canary`, "canary", `00-${TRACE}-${"0".repeat(16)}-01`, TRACEPARENT]) {
    const headers = { traceparent: sent, tracestate: "a=canary", "x-request-id": "quiet" };
    expectStatus(await call(service, token, { headers }), 200);
  }
  expect(linesOf("quiet").map(({ traceId }) => traceId)).toEqual([undefined, undefined, undefined, TRACE]);
  expect(service.logged()).not.toContain("canary");
});
