import { afterAll, beforeAll, expect, test } from "vitest";
import { createMembrane } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

/* A client of a capability knows by Proxy-Status (RFC 9209) that a response is not the target's. */

const UNKNOWN_TOKEN = `CPBLTY1-${"A".repeat(86)}`;
const HMAC = { awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "s" };

let service: TestService;
let token: string;
beforeAll(async () => {
  service = await startTestService({ limits: { bufferedBodyBytes: 10 } });
  const uri = "http://127.0.0.1:1/";
  ({ token } = await exportTarget(service, { uri, allowQuery: true, hmac: { "aws4-hmac-sha256": HMAC } }));
});
afterAll(() => service.close());

async function send(sentToken: string | undefined, line: string, headers: readonly string[] = []) {
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(sentToken, { line, headers }));
  return await nextResponse(connection);
}

function codeOf({ body }: RawResponse): unknown {
  return body === "" ? undefined : JSON.parse(body).code;
}

const REFUSED: readonly (readonly [string, string, readonly string[]])[] = [
  ["malformed_request", "GET / HTTP/1.1", ["Host: two"]],
  ["headers_too_large", "GET / HTTP/1.1", [`X: ${"x".repeat(20_000)}`]],
  ["headers_too_large", "GET / HTTP/1.1", [`X: ${"x".repeat(16_000)}`]],
  ["wrong_capability", "POST / HTTP/1.1", ["Membrane-Operation: revoke"]],
  ["upgrade_not_supported", "GET / HTTP/1.1", ["Connection: Upgrade", "Upgrade: other"]],
  ["expectation_failed", "GET / HTTP/1.1", ["Expect: other"]],
  ["path_not_found", "GET /other HTTP/1.1", []],
  ["method_not_allowed", "TRACE / HTTP/1.1", []],
  ["invalid_field", "PUT / HTTP/1.1", ["X-Payload-Sha256: no", "Content-Length: 1"]],
  ["header_not_allowed", "GET / HTTP/1.1", ["X-Amz-Copy-Source: a"]],
  ["query_not_allowed", "GET /?acl HTTP/1.1", []],
  ["signed_body_too_large", "PUT / HTTP/1.1", ["Content-Length: 11"]],
];

test.each(REFUSED)(
  "the refusal %s of an invocation, %s, carries Proxy-Status",
  async (code, line, headers) => {
    const response = await send(token, line, headers);
    expect(codeOf(response)).toBe(code);
    expect(response.headers.get("proxy-status")).toEqual(["membrane; error=http_request_denied"]);
  },
);

test("so do the refusals by the openings and limits of a capability", async () => {
  await using target = await startTarget();
  const uri = target.url;
  const open = await exportTarget(service, { uri, allowPath: true });
  const counted = await exportTarget(service, { uri, limits: { maxUses: 1, maxUsesEveryMs: 3_600_000 } });
  expect((await send(counted.token, "GET / HTTP/1.1")).headers.has("proxy-status")).toBe(false);
  for (const [code, limited, line] of [
    ["invalid_path", open.token, "GET /a%2fb HTTP/1.1"],
    ["query_not_allowed", open.token, "GET /?a HTTP/1.1"],
    ["quota_exhausted", counted.token, "GET / HTTP/1.1"],
  ] as const) {
    const response = await send(limited, line);
    expect(codeOf(response)).toBe(code);
    expect(response.headers.get("proxy-status")).toEqual(["membrane; error=http_request_denied"]);
  }
});

test("a 401 carries no Proxy-Status, whether there was a token or not", async () => {
  for (const sent of [undefined, "malformed", UNKNOWN_TOKEN]) {
    const response = await send(sent, "GET / HTTP/1.1");
    expect([codeOf(response), response.headers.get("proxy-status")]).toEqual(["unauthorized", undefined]);
  }
});

test("a refusal of an operation of the service itself carries no Proxy-Status, since no target would have responded", async () => {
  const membrane = await createMembrane(service, service.tokens.create, "own");
  for (const [line, headers] of [
    ["POST /other HTTP/1.1", []],
    ["GET / HTTP/1.1", []],
    ["POST / HTTP/1.1", ["Content-Length: 2", "Membrane-Operation: revoke"]],
  ] as const) {
    const response = await send(membrane.export, line, headers);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.headers.get("proxy-status"), line).toBeUndefined();
  }
});
