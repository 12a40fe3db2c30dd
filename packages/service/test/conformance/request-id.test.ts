import { expect, test } from "vitest";
import type { CallOptions, CallResponse } from "../../../testkit/src/client.ts";
import { call, createMembrane } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { nextResponse, openRawConnection } from "../../../testkit/src/raw-connection.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

/* Tests the id of a request in its response and in the log. */

const TOKEN = `CPBLTY1-${"A".repeat(86)}`;
const MADE = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const FINGERPRINT = expect.stringMatching(/^[0-9a-f]{12}$/);

interface LogLine {
  readonly requestId?: string;
  readonly msg: string;
}

function linesOf(service: TestService, requestId: unknown): readonly LogLine[] {
  const lines = service
    .logged()
    .trim()
    .split("\n")
    .map((line): LogLine => JSON.parse(line));
  return lines.filter((line) => line.requestId === requestId);
}

function idOf({ headers }: CallResponse): unknown {
  return headers["x-request-id"];
}

test("every response of the service itself has a unique id, which the log line of the request has too", async () => {
  await using service = await startTestService({ limits: { maxConcurrentInvocationsPerCapability: 1 } });
  const { token } = await exportTarget(service, { uri: "http://127.0.0.1:1/" });
  const membrane = await createMembrane(service, service.tokens.create, "m");
  const rows: readonly (readonly [string | undefined, CallOptions, number, readonly string[]])[] = [
    [undefined, { path: "/healthz" }, 200, []],
    [undefined, { method: "OPTIONS" }, 204, []],
    [undefined, {}, 401, ["refused"]],
    [TOKEN, {}, 401, ["refused"]],
    [token, { path: "/x" }, 404, ["refused"]],
    [token, {}, 502, ["invocation failed"]],
    [service.tokens.create, { body: { id: "m" } }, 409, ["refused"]],
    [service.tokens.create, { body: { id: "n" } }, 201, ["changed", "managed"]],
    [service.tokens.query, {}, 200, ["managed"]],
    [membrane.revoke, { method: "DELETE" }, 202, ["changed", "managed"]],
  ];
  const ids = new Set<unknown>();
  for (const [presented, options, status, messages] of rows) {
    const response = await call(service, presented, options);
    expect(response.status).toBe(status);
    expect(idOf(response)).toMatch(MADE);
    expect(linesOf(service, idOf(response)).map(({ msg }) => msg)).toEqual(messages);
    ids.add(idOf(response));
  }
  expect(ids.size).toBe(rows.length);
});

test("a refusal by openings and limits is logged as refused, whatever it refuses; a target that cannot be used as failed", async () => {
  await using target = await startTarget();
  await using service = await startTestService({ limits: { bufferedBodyBytes: 1 } });
  const aws4 = { awsAccessKeyId: "A", region: "r", service: "lambda", secretAccessKey: "s" };
  const put = (body: string): CallOptions => ({ method: "PUT", body });
  const rows: readonly (readonly [object, CallOptions, string])[] = [
    [{ limits: { methods: ["GET"] } }, put("x"), "method_not_allowed"],
    [{ allowPath: true, limits: { paths: ["/a"] } }, { path: "/b" }, "path_not_allowed"],
    [{ allowQuery: true, limits: { query: {} } }, { path: "/?a" }, "query_not_allowed"],
    [{ limits: { headers: { "x-a": ["b"] } } }, {}, "header_not_allowed"],
    [{ limits: { maxBodyBytes: 1 } }, put("xx"), "body_too_large"],
    [{ hmac: { "aws4-hmac-sha256": aws4 } }, put("xx"), "signed_body_too_large"],
    [{ allowPath: true }, { path: "/a%2fb" }, "invalid_path"],
    [{ allowPath: true }, { path: "/?a" }, "query_not_allowed"],
  ];
  for (const [body, options, reason] of rows) {
    const { token } = await exportTarget(service, { uri: target.url, ...body });
    const lines = linesOf(service, idOf(await call(service, token, options)));
    expect(lines).toMatchObject([{ level: "debug", msg: "refused", reason }]);
  }
  const { token } = await exportTarget(service, { uri: "http://127.0.0.1:1/" });
  const lines = linesOf(service, idOf(await call(service, token)));
  expect(lines).toMatchObject([{ level: "warn", msg: "invocation failed", reason: "target_unreachable" }]);
});

test.each([
  ["a head that two parsers could read differently", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
  ["a head that is not HTTP", "GET / HTTP/1.1\r\nHost a\r\n\r\n", 400],
  ["CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405],
])("%s is refused with an id, and logged under it", async (_case, bytes, status) => {
  await using service = await startTestService();
  await using connection = await openRawConnection(service.port);
  connection.send(bytes);
  const response = await nextResponse(connection);
  expect(response.status).toBe(status);
  const [id] = response.headers.get("x-request-id") ?? [];
  expect(id).toMatch(MADE);
  expect(linesOf(service, id)).toMatchObject([{ msg: "refused", status }]);
});

test("an id is accepted from a trusted proxy, if it is short and well-formed, and from no other client", async () => {
  await using trusting = await startTestService({ trustedProxies: ["127.0.0.0/8"] });
  await using other = await startTestService({ trustedProxies: ["10.0.0.0/8"] });
  const idFor = async (service: TestService, sent: string): Promise<unknown> =>
    idOf(await call(service, TOKEN, { headers: { "x-request-id": sent } }));
  expect(await idFor(trusting, "proxy-1:a/b=")).toBe("proxy-1:a/b=");
  expect(linesOf(trusting, "proxy-1:a/b=")).toMatchObject([{ msg: "refused", reason: "unauthorized" }]);
  expect(await idFor(other, "proxy-1:a/b=")).toMatch(MADE);
  for (const sent of [trusting.tokens.create, "https://a.test/?key=canary-1", "canary-1 x", "x".repeat(65)]) {
    expect(await idFor(trusting, sent)).toMatch(MADE);
    expect(trusting.logged()).not.toContain(sent);
  }
  expect(trusting.logged()).not.toContain("canary-1");
});

test("a target gets the client's X-Request-Id and no other, and the client gets the target's", async () => {
  await using target = await startTarget((request, response) => {
    response.setHeader("X-Request-Id", "of the target");
    response.end(request.headers["x-request-id"] ?? "none");
  });
  await using service = await startTestService({ trustedProxies: ["127.0.0.0/8"] });
  const { token } = await exportTarget(service, { uri: target.url });
  const sent = await call(service, token, { headers: { "x-request-id": "of-the-client" } });
  expect([sent.text, idOf(sent)]).toEqual(["of-the-client", "of the target"]);
  expect(linesOf(service, "of-the-client")).toHaveLength(1);
  const silent = await call(service, token);
  expect([silent.text, idOf(silent)]).toEqual(["none", "of the target"]);
});

test("an invocation is logged with its fingerprints, the target's status, its duration and its bytes", async () => {
  await using target = await startTarget((request, response) => {
    if (request.url === "/?redirect") response.writeHead(302, { location: "https://other.test/" });
    response.statusCode = request.url === "/?fail" ? 500 : response.statusCode;
    response.end("seven..");
  });
  await using service = await startTestService({ trustedProxies: ["127.0.0.0/8"] });
  const { token } = await exportTarget(service, { uri: target.url, allowQuery: true });
  const lineOf = async (id: string, options: CallOptions): Promise<LogLine | undefined> => {
    await call(service, token, { ...options, headers: { "x-request-id": id, ...options.headers } });
    return linesOf(service, id)[0];
  };
  const known = { capability: FINGERPRINT, tenant: FINGERPRINT, membrane: FINGERPRINT };
  const measured = { ...known, durationMs: expect.any(Number), bytes: 7 };
  expect(await lineOf("a", {})).toEqual({
    ...measured,
    level: "debug",
    time: expect.any(String),
    msg: "invoked",
    requestId: "a",
    status: 200,
    upstreamStatus: 200,
  });
  expect(await lineOf("b", { path: "/?fail" })).toMatchObject({
    ...measured,
    level: "info",
    msg: "invoked",
    upstreamStatus: 500,
  });
  const wget = { "user-agent": "Wget/1.21" };
  expect(await lineOf("c", { path: "/?redirect", headers: wget })).toMatchObject({
    ...known,
    level: "warn",
    msg: "invocation failed",
    reason: "redirect_not_passed",
    status: 502,
    upstreamStatus: 302,
    durationMs: expect.any(Number),
    bytes: 0,
  });
  expect(service.logged()).not.toMatch(/\?fail|\?redirect|127\.0\.0\.1:\d+\//);
});

test("the log names a new capability by the fingerprint under which its invocations are logged", async () => {
  await using target = await startTarget();
  await using service = await startTestService({ trustedProxies: ["127.0.0.0/8"] });
  const membrane = await createMembrane(service, service.tokens.create, "m");
  const headers = { "x-request-id": "export" };
  const exported = await call(service, membrane.export, { body: { uri: target.url }, headers });
  const token: string = exported.json.capability.split("#")[1];
  await call(service, token, { headers: { "x-request-id": "use" } });
  const [used] = linesOf(service, "use") as readonly {
    readonly capability?: string;
    readonly membrane?: string;
  }[];
  expect(linesOf(service, "export")[0]).toMatchObject({
    action: "create",
    outcome: "done",
    created: [used?.capability],
    membrane: used?.membrane,
  });
});
