import { afterAll, beforeAll, expect, test } from "vitest";
import { formatToken, TOKEN_BYTES } from "capability-protocol";
import { AWS_KEY, isCorrectlySigned } from "../../../testkit/src/aws4-reference.ts";
import type { CallOptions, CallResponse } from "../../../testkit/src/client.ts";
import { call, exportThrough, uriOf } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";

const NOW = Date.UTC(2026, 0, 1);
const UNKNOWN = formatToken(Buffer.alloc(TOKEN_BYTES, 1));
const PROXY_STATUS = { "proxy-status": "membrane; error=http_request_denied" };

let service: TestService;
let target: TestTarget;
let time = NOW;
beforeAll(async () => {
  service = await startTestService({
    now: () => new Date(time),
    trustedProxies: ["127.0.0.1"],
    limits: { maxAuthFailuresPerMinute: 3 },
  });
  target = await startTarget();
});
afterAll(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

function exportLimited(limits: object, body: object = {}): ReturnType<typeof exportTarget> {
  return exportTarget(service, { uri: target.url, allowPath: true, allowQuery: true, ...body, limits });
}

/** Expects that a request arrives at the target. */
async function admits(token: string, options: CallOptions = {}): Promise<void> {
  const before = target.requests.length;
  expect(await call(service, token, options)).toMatchObject({ status: 200 });
  expect(target.requests).toHaveLength(before + 1);
}

/** Expects that a request is refused with this status and code, and that nothing is sent. */
async function refuses(
  token: string,
  options: CallOptions,
  status: number,
  code: string,
): Promise<CallResponse> {
  const before = target.requests.length;
  const response = await call(service, token, options);
  expect(response).toMatchObject({ status, json: { code }, headers: PROXY_STATUS });
  expect(target.requests).toHaveLength(before);
  return response;
}

test.each([{}, { "x-custom": true }])(
  "a re-export with the limit %j on headers takes away what its original opens",
  async (headers) => {
    const names = ["remote-user", "x-forwarded-user", "x-webauth-user"];
    const original = await exportTarget(service, { uri: target.url, allowHeaders: [...names, "x-custom"] });
    const request = { headers: Object.fromEntries([...names, "x-custom"].map((name) => [name, "admin"])) };
    await admits(original.token, request);
    expect(target.requests.at(-1)!.headers).toMatchObject(request.headers);
    const capability = uriOf(service, original.token);
    const narrowed = await exportThrough(service, original.export, { capability, limits: { headers } });
    await admits(narrowed, request);
    const arrived = target.requests.at(-1)!.headers;
    for (const name of names) expect(arrived).not.toHaveProperty(name);
    expect("x-custom" in arrived).toBe("x-custom" in headers);
  },
);

test("methods and paths admit what is read below a path, with the credential of the target, and no other spelling of the path", async () => {
  const headers = { Authorization: "Bearer github" };
  const { token } = await exportLimited({ methods: ["GET"], paths: ["/repos/o/r/**"] }, { headers });
  await admits(token, { path: "/repos/o/r" });
  await admits(token, { path: "/repos/o/r/issues?state=open" });
  expect(target.requests.at(-1)).toMatchObject({
    url: "/repos/o/r/issues?state=open",
    headers: { authorization: "Bearer github" },
  });
  const refused = await refuses(
    token,
    { path: "/repos/o/r/issues", method: "POST" },
    405,
    "method_not_allowed",
  );
  expect(refused.headers["allow"]).toBe("GET");
  for (const path of ["/", "/user", "/repos/o/r2", "/repos/o", "/Repos/o/r", "/repos/o/r;x/issues"])
    await refuses(token, { path }, 403, "path_not_allowed");
  await refuses(token, { path: "/repos/o/r/..;/s" }, 400, "invalid_path");
});

test("a listed value of an opened header admits that operation alone, signed; the client's other headers are dropped, but not those of its body", async () => {
  const operation = "DynamoDB_20120810.GetItem";
  const { token } = await exportLimited(
    { headers: { "x-amz-target": [operation] } },
    { allowHeaders: ["x-amz-target"], hmac: { "aws4-hmac-sha256": { ...AWS_KEY, service: "dynamodb" } } },
  );
  const request = (name: string, headers: object = {}): CallOptions => ({
    method: "POST",
    body: "{}",
    headers: {
      "x-amz-target": name,
      "content-type": "application/x-amz-json-1.0",
      "user-agent": "sdk",
      ...headers,
    },
  });
  await admits(token, request(operation));
  const received = target.requests.at(-1)!;
  expect(received.headers).toMatchObject({
    "x-amz-target": operation,
    "content-type": "application/x-amz-json-1.0",
  });
  expect(received.headers).not.toHaveProperty("user-agent");
  expect(isCorrectlySigned(received, "dynamodb")).toBe(true);
  await refuses(token, request("DynamoDB_20120810.DeleteItem"), 403, "header_not_allowed");
  await refuses(token, { method: "POST", body: "{}" }, 403, "header_not_allowed");
  await refuses(token, request(operation, { "x-amz-copy-source": "/b/k" }), 403, "header_not_allowed");
});

test("requests admit what satisfies one of them, such as to list or to read a prefix of S3, signed", async () => {
  const prefix = { prefix: [{ startsWith: "p/" }], "list-type": true, delimiter: true };
  const { token } = await exportLimited(
    {
      requests: [
        { methods: ["GET"], paths: ["/bucket", "/bucket/"], query: prefix },
        { methods: ["GET", "HEAD"], paths: ["/bucket/p/**"] },
      ],
    },
    { hmac: { "aws4-hmac-sha256": { ...AWS_KEY, service: "s3" } } },
  );
  await admits(token, { path: "/bucket?list-type=2&prefix=p%2Fa&delimiter=%2F" });
  expect(isCorrectlySigned(target.requests.at(-1)!, "s3")).toBe(true);
  await admits(token, { path: "/bucket/p/a/b.txt?x-id=GetObject" });
  await admits(token, { path: "/bucket/p/a", method: "HEAD" });
  await refuses(token, { path: "/bucket?list-type=2" }, 403, "query_not_allowed");
  await refuses(token, { path: "/bucket?prefix=q%2F" }, 403, "query_not_allowed");
  await refuses(token, { path: "/bucket?prefix=p%2F&prefix=" }, 403, "query_not_allowed");
  await refuses(token, { path: "/bucket/q/a" }, 403, "path_not_allowed");
  await refuses(token, { path: "/bucket/p/a", method: "PUT", body: "x" }, 405, "method_not_allowed");
  const named = await refuses(token, { path: "/bucket?versions&prefix=p%2F" }, 403, "query_not_allowed");
  expect(named.json.message).toContain("versions");
});

test("listed values of the headers of MCP admit one tool in every spelling, and no header of a parameter", async () => {
  const { token } = await exportLimited(
    {
      methods: ["POST"],
      headers: {
        "mcp-method": ["tools/call", "tools/list"],
        "mcp-name": ["search"],
        "mcp-protocol-version": ["2026-07-28"],
      },
    },
    { uri: `${target.url}mcp`, allowPath: false, allowQuery: false },
  );
  const request = (headers: object): CallOptions => ({
    method: "POST",
    body: {},
    headers: { "mcp-protocol-version": "2026-07-28", accept: "application/json", ...headers },
  });
  await admits(token, request({ "mcp-method": "tools/call", "mcp-name": "search" }));
  expect(target.requests.at(-1)).toMatchObject({
    url: "/mcp",
    headers: { "mcp-method": "tools/call", "mcp-name": "search", accept: "application/json" },
  });
  await admits(token, request({ "mcp-method": "tools/call", "mcp-name": "=?base64?c2VhcmNo?=" }));
  await admits(token, request({ "mcp-method": "tools/list" }));
  for (const headers of [
    { "mcp-method": "tools/call", "mcp-name": "delete" },
    { "mcp-method": "tools/call", "mcp-name": "=?base64?ZGVsZXRl?=" },
    { "mcp-method": "tools/call" },
    { "mcp-name": "search" },
    { "mcp-method": "tools/call", "mcp-name": "search", "mcp-param-region": "eu" },
    { "mcp-method": "tools/call", "mcp-name": "search", "mcp-protocol-version": "2025-11-25" },
  ])
    await refuses(token, request(headers), 403, "header_not_allowed");
  await refuses(token, { method: "GET" }, 405, "method_not_allowed");
});

test("a request must satisfy the limits of every capability on the way, and a re-export opens nothing again", async () => {
  const first = await exportLimited({ methods: ["GET", "POST"], paths: ["/a/**"] });
  const capability = uriOf(service, first.token);
  const wider = await exportThrough(service, first.export, {
    capability,
    limits: { methods: ["GET", "DELETE"] },
  });
  const narrower = await exportThrough(service, first.export, {
    capability: uriOf(service, wider),
    limits: { paths: ["/*/b", "/c"], query: {} },
  });
  await admits(wider, { path: "/a/x" });
  const refused = await refuses(wider, { path: "/a/x", method: "DELETE" }, 405, "method_not_allowed");
  expect(refused.headers["allow"]).toBe("GET");
  await refuses(wider, { path: "/a/x", method: "POST" }, 405, "method_not_allowed");
  await admits(narrower, { path: "/a/b" });
  await refuses(narrower, { path: "/a/x" }, 403, "path_not_allowed");
  await refuses(narrower, { path: "/c" }, 403, "path_not_allowed");
  await refuses(narrower, { path: "/a/b?q" }, 403, "query_not_allowed");
});

test("a limit on a query checks what is sent: where the query is dropped, a required key is missing", async () => {
  const { token } = await exportLimited(
    { query: { prefix: ["p/"] } },
    { allowPath: false, allowQuery: false },
  );
  await refuses(token, { path: "/?prefix=p/" }, 403, "query_not_allowed");
  const open = await exportLimited({ query: { a: true } }, { allowPath: false, allowQuery: false });
  await admits(open.token, { path: "/?b" });
  expect(target.requests.at(-1)?.url).toBe("/");
});

test("a limit on methods checks the method that is sent; if the target's is not allowed, no other one is advised", async () => {
  const { token } = await exportLimited({ methods: ["PUT"] }, { method: "put" });
  await admits(token, { method: "GET" });
  const other = await exportLimited({ methods: ["GET"] }, { method: "PUT" });
  for (const method of ["GET", "PUT"]) {
    const refused = await refuses(other.token, { method }, 405, "method_not_allowed");
    expect(refused.headers["allow"]).toBe("");
    expect(refused.json.message).toBe(
      "method: the target is always sent PUT, which the limits do not allow.",
    );
  }
});

test("before its time and for other addresses, a capability gets the 401 of an unknown token, and no failure is counted", async () => {
  const early = await exportLimited({ notBefore: new Date(NOW + 1_000).toISOString() });
  const near = await exportLimited({ clientCidrs: ["192.0.2.0/24", "2001:db8::/32"] });
  const from = (address: string): CallOptions => ({ headers: { "x-forwarded-for": address } });
  for (let i = 0; i < 4; i += 1) {
    const unknown = i === 0 ? await call(service, UNKNOWN) : undefined;
    const {
      date: _,
      "x-request-id": __,
      ...headers
    } = (unknown ?? (await call(service, early.token))).headers;
    for (const refused of [
      await call(service, early.token),
      await call(service, near.token, from("198.51.100.1")),
    ]) {
      expect(refused).toMatchObject({ status: 401, headers, json: { code: "unauthorized" } });
      expect(refused.headers).not.toHaveProperty("proxy-status");
    }
  }
  await admits(near.token, from("192.0.2.77"));
  await admits(near.token, from("2001:db8::1"));
  const { capability } = { capability: uriOf(service, early.token) };
  const child = await exportThrough(service, early.export, { capability });
  expect((await call(service, child)).status).toBe(401);
  time = NOW + 1_000;
  await admits(early.token);
  await admits(child);
});

test("a 401 comes before any other refusal", async () => {
  const { token } = await exportLimited({ clientCidrs: ["192.0.2.0/24"], methods: ["GET"] });
  for (const options of [
    { path: "/../x" },
    { method: "DELETE" },
    { headers: { "membrane-operation": "export" } },
  ])
    expect(await call(service, token, options)).toMatchObject({ status: 401 });
});

test("limits hold for service capabilities: their address and time, and no other ones can be set", async () => {
  const membrane = await exportTarget(service, { uri: target.url });
  const capability = uriOf(service, membrane.export);
  const near = await exportThrough(service, membrane.export, {
    capability,
    limits: { clientCidrs: ["192.0.2.0/24"] },
  });
  const body = { uri: target.url };
  expect(await call(service, near, { body })).toMatchObject({ status: 401 });
  const allowed = await call(service, near, { body, headers: { "x-forwarded-for": "192.0.2.1" } });
  expect(allowed).toMatchObject({ status: 201 });
  for (const [field, value] of Object.entries({
    methods: ["GET"],
    paths: ["/"],
    query: {},
    headers: {},
    maxBodyBytes: 1,
  }))
    expect(
      await call(service, membrane.export, { body: { capability, limits: { [field]: value } } }),
    ).toMatchObject({
      status: 400,
      json: { message: expect.stringContaining(`limits.${field}`) },
    });
});
