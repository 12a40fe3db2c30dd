import { afterAll, beforeAll, expect, test } from "vitest";
import { AWS_KEY, isCorrectlySigned } from "../../../testkit/src/aws4-reference.ts";
import { call, exportThrough, uriOf } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";

let service: TestService;
let target: TestTarget;
beforeAll(async () => {
  service = await startTestService();
  target = await startTarget();
});
afterAll(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

/** Sends a request target byte for byte, which an HTTP client would normalize. */
async function send(token: string, requestTarget: string, method = "GET"): Promise<RawResponse> {
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { line: `${method} ${requestTarget} HTTP/1.1` }));
  return await nextResponse(connection);
}

/** Sends a request, and returns what arrives at the target. */
async function arriving(token: string, requestTarget: string): Promise<string | undefined> {
  expect(await send(token, requestTarget)).toMatchObject({ status: 200 });
  return target.requests.at(-1)?.url;
}

function below(path: string): string {
  return `${target.url.slice(0, -1)}${path}`;
}

function aws4(service: string): object {
  return { "aws4-hmac-sha256": { ...AWS_KEY, service } };
}

test("with allowPath, a path arrives below the target's in its canonical form, and / is the target's URI as written", async () => {
  const plain = await exportTarget(service, { uri: below("/v1"), allowPath: true });
  expect(await arriving(plain.token, "/")).toBe("/v1");
  expect(await arriving(plain.token, "/models/%7eme/caf%c3%a9/")).toBe("/v1/models/~me/caf%C3%A9/");
  const slash = await exportTarget(service, { uri: below("/v1/?own=1"), allowPath: true, allowQuery: true });
  expect(await arriving(slash.token, "/")).toBe("/v1/?own=1");
  expect(await arriving(slash.token, "/models?page=%7e&x")).toBe("/v1/models?own=1&page=%7e&x");
  expect(await arriving(slash.token, `http://${service.authority}/models?page`)).toBe(
    "/v1/models?own=1&page",
  );
});

test.each([
  ["/../admin", "dot-segment"],
  ["/a/%2e%2e/admin", "dot-segment"],
  ["/a/..;/admin", "dot-segment"],
  ["/a/..%2Fadmin", "encoded-slash"],
  ["//evil.example/", "empty-segment"],
  ["/a%5c..%5cadmin", "control"],
  ["/%25%32%65%25%32%65/admin", "double-encoding"],
  ["/a%00", "control"],
  ["/%c0%ae%c0%ae/admin", "utf-8"],
  ["/%u002e", "percent"],
])("the path %s is a 400 that names the rule %s, and nothing is sent", async (path, rule) => {
  const { token } = await exportTarget(service, { uri: below("/v1"), allowPath: true });
  const sent = target.requests.length;
  const response = await send(token, path);
  expect(response.status).toBe(400);
  expect(JSON.parse(response.body)).toMatchObject({
    code: "invalid_path",
    message: expect.stringContaining(rule),
  });
  expect(response.headers.get("proxy-status")).toEqual(["membrane; error=http_request_denied"]);
  expect(target.requests).toHaveLength(sent);
});

test("encoded slashes and empty segments arrive where the target is open to them", async () => {
  const registry = await exportTarget(service, { uri: target.url, allowPath: true, encodedSlash: true });
  expect(await arriving(registry.token, "/@scope%2fpackage")).toBe("/@scope%2Fpackage");
  const keys = await exportTarget(service, {
    uri: target.url,
    allowPath: true,
    emptySegments: true,
    hmac: aws4("s3"),
  });
  expect(await arriving(keys.token, "/bucket//a//b")).toBe("/bucket//a//b");
});

test("with allowPath and without allowQuery a query is a 403 that names the key, and nothing is sent", async () => {
  const { token } = await exportTarget(service, { uri: target.url, allowPath: true });
  const sent = target.requests.length;
  const response = await send(token, "/bucket/key?uploadId=1", "DELETE");
  expect(response.status).toBe(403);
  expect(JSON.parse(response.body)).toMatchObject({
    code: "query_not_allowed",
    message: expect.stringContaining("uploadId"),
  });
  expect(target.requests).toHaveLength(sent);
});

test("with a list in allowQuery, these keys arrive byte for byte, and another one is a 403", async () => {
  const { token } = await exportTarget(service, { uri: below("/?own=1"), allowQuery: ["page", "per page"] });
  expect(await arriving(token, "/?%70age=%41+b&per%20page")).toBe("/?own=1&%70age=%41+b&per%20page");
  for (const query of ["page=1&own=2", "page=1;own=2", "pag", "PAGE=1"])
    expect(await send(token, `/?${query}`)).toMatchObject({ status: 403 });
});

test.each([
  ["s3", "/bucket/a b(1)+\u00e9.txt", "prefix=a%2Fb&list-type=2"],
  ["s3", "/bucket/key", "uploadId=a&partNumber=1"],
  ["execute-api", "/prod/a%20b/(1)", "b=2&a=1+2"],
  ["lambda", "/2015-03-31/functions/name%3A1/invocations", ""],
])("for the service %s, the signature covers the path %s as it is sent", async (awsService, path, query) => {
  const { token } = await exportTarget(service, {
    uri: target.url,
    allowPath: true,
    allowQuery: true,
    hmac: aws4(awsService),
  });
  await arriving(token, `${encodeURI(decodeURI(path))}${query === "" ? "" : `?${query}`}`);
  expect(isCorrectlySigned(target.requests.at(-1)!, awsService)).toBe(true);
});

test("allowHeaders opens a header that steers a signed request, which is signed, and no other one", async () => {
  const { token } = await exportTarget(service, {
    uri: target.url,
    method: "POST",
    allowHeaders: ["X-Amz-Target"],
    hmac: aws4("dynamodb"),
  });
  const headers = {
    "x-amz-target": "DynamoDB_20120810.GetItem",
    "content-type": "application/x-amz-json-1.0",
  };
  expect(await call(service, token, { method: "POST", body: "{}", headers })).toMatchObject({ status: 200 });
  const received = target.requests.at(-1)!;
  expect(received.headers).toMatchObject(headers);
  expect(received.headers.authorization).toContain("x-amz-target");
  expect(isCorrectlySigned(received, "dynamodb")).toBe(true);
  const other = { ...headers, "x-amz-security-token": "theirs", "x-amz-acl": "public-read" };
  expect(await call(service, token, { method: "POST", body: "{}", headers: other })).toMatchObject({
    status: 403,
    json: { code: "header_not_allowed" },
  });
});

test("a re-export is as open as what it re-exports, and takes no opening itself", async () => {
  const exported = await exportTarget(service, { uri: below("/v1"), allowPath: true, allowQuery: ["a"] });
  const capability = uriOf(service, exported.token);
  const child = await exportThrough(service, exported.export, { capability });
  expect(await arriving(child, "/x?a")).toBe("/v1/x?a");
  for (const [field, value] of Object.entries({
    allowPath: true,
    allowQuery: true,
    allowHeaders: ["x-a"],
    encodedSlash: false,
    emptySegments: false,
  })) {
    const response = await call(service, exported.export, { body: { capability, [field]: value } });
    expect(response).toMatchObject({ status: 400, json: { message: expect.stringContaining(field) } });
  }
});

test.each([
  [{ allowPath: 1 }, "allowPath"],
  [{ allowQuery: "a" }, "allowQuery"],
  [{ allowQuery: ["a", 1] }, "allowQuery[1]"],
  [{ allowHeaders: ["cookie"] }, "allowHeaders[0]"],
  [{ allowHeaders: ["x-a", "x-http-method-override"] }, "allowHeaders[1]"],
  [{ encodedSlash: true }, "encodedSlash"],
  [{ allowPath: true, emptySegments: true, hmac: aws4("lambda") }, "emptySegments"],
])("the openings %j are a 400 that names %s", async (openings, field) => {
  const { export: token } = await exportTarget(service, { uri: target.url });
  expect(await call(service, token, { body: { uri: target.url, ...openings } })).toMatchObject({
    status: 400,
    json: { code: "invalid_field", message: expect.stringContaining(`${field}:`) },
  });
});
