import { afterAll, beforeAll, expect, test } from "vitest";
import { AWS_KEY, isCorrectlySigned, sha256 } from "../../../testkit/src/aws4-reference.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";

/*
 * In a signed request, a header or query key of the client could turn one operation into another: a copy source, another operation
 * of the same endpoint, an ACL, another user's session. None of them reaches the target. One that would have changed the meaning is
 * refused and not dropped, since a copy would become an empty overwrite with a 200.
 */

const CANARY = "canary-1a2b3c";

let service: TestService;
let target: TestTarget;
let token: string;
beforeAll(async () => {
  service = await startTestService();
  target = await startTarget();
  ({ token } = await exportTarget(service, {
    uri: `${target.url}bucket/key`,
    allowQuery: true,
    headers: { "x-amz-acl": "private", "X-Amz-Tagging": "a=b" },
    hmac: { "aws4-hmac-sha256": { ...AWS_KEY, service: "s3" } },
  }));
});
afterAll(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

async function send(head: Parameters<typeof requestHead>[1]): Promise<RawResponse> {
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, head));
  return await nextResponse(connection);
}

/** Returns all spellings that are the same name for a CGI or WSGI server. */
function spellingsOf(name: string): string[] {
  return [name, name.toUpperCase(), name.replaceAll("-", "_"), name.replace(/^x-(\w+)-/, "X_$1-")];
}

test.each([
  "x-amz-copy-source",
  "x-amz-copy-source-range",
  "x-amz-target",
  "x-amz-acl",
  "x-amz-grant-full-control",
  "x-amz-tagging",
  "x-amz-server-side-encryption",
  "x-amz-storage-class",
  "x-amz-website-redirect-location",
  "x-amz-bypass-governance-retention",
  "x-amz-request-payer",
  "x-amz-invocation-type",
  "x-amz-anything",
  "x-amz-",
  "x-amzn-anything",
  "smithy-protocol",
  "x-goog-copy-source",
  "x-oss-copy-source",
  "x-cos-acl",
  "x-obs-acl",
  "x-emc-anything",
  "x-minio-force-delete",
  "x-rgw-anything",
  "x-copy-from",
  "cf-create-bucket-if-missing",
  "destination",
  "impersonate-user",
])("%s of the client is a 403 that names it, whatever its spelling, and nothing is sent", async (name) => {
  const before = target.requests.length;
  for (const spelling of spellingsOf(name)) {
    const head = { line: "PUT / HTTP/1.1", headers: [`${spelling}: ${CANARY}`, "Content-Length: 0"] };
    const response = await send(head);
    expect(response.status).toBe(403);
    expect(response.headers.get("proxy-status")).toEqual(["membrane; error=http_request_denied"]);
    expect(JSON.parse(response.body)).toMatchObject({
      code: "header_not_allowed",
      message: expect.stringContaining(spelling),
    });
    expect(response.body).not.toContain(CANARY);
  }
  expect(target.requests).toHaveLength(before);
});

test.each([
  "x-amz-security-token",
  "x-goog-security-token",
  "x-amz-date",
  "x-amz-content-sha256",
  "x-amz-user-agent",
  "x-amzn-trace-id",
  "amz-sdk-invocation-id",
  "amz-sdk-request",
  "x-api-key",
])("%s of the client has no effect on the request and does not reach the target", async (name) => {
  for (const spelling of spellingsOf(name)) {
    expect(await send({ headers: [`${spelling}: ${CANARY}`] }), spelling).toMatchObject({ status: 200 });
    expect(target.requests.at(-1)!.rawHeaders.join("\n")).not.toContain(CANARY);
    expect(isCorrectlySigned(target.requests.at(-1)!, "s3")).toBe(true);
  }
});

test.each([
  ["x-amz-acl", "private"],
  ["X-Amz-Storage-Class", "STANDARD"],
])("%s: %s is the default of S3, and clients that send it are served", async (name, value) => {
  expect(await send({ headers: [`${name}: ${value}`] })).toMatchObject({ status: 200 });
  expect(target.requests.at(-1)!.headers["x-amz-acl"]).toBe("private");
  expect(target.requests.at(-1)!.headers).not.toHaveProperty("x-amz-storage-class");
});

test.each(["x-amz-trailer", "x-amz-decoded-content-length"])(
  "%s of the client does not reach the target without its chunks",
  async (name) => {
    expect(await send({ headers: [`${name}: ${CANARY}`] })).toMatchObject({ status: 200 });
    expect(target.requests.at(-1)!.rawHeaders.join("\n")).not.toContain(CANARY);
  },
);

test("a header that changes the meaning and that the target sets is the target's, or a 403", async () => {
  expect(await send({ headers: ["x-amz-tagging: a=b", "X-AMZ-Tagging:  a=b "] })).toMatchObject({
    status: 200,
  });
  expect(target.requests.at(-1)!.headers["x-amz-tagging"]).toBe("a=b");
  const before = target.requests.length;
  for (const value of ["a=c", "", "A=B", "a=b, a=b"]) {
    expect(await send({ headers: ["X-Amz-Tagging: a=b", `X-Amz-Tagging: ${value}`] })).toMatchObject({
      status: 403,
    });
  }
  expect(target.requests).toHaveLength(before);
});

test("Connection does not remove a header that would be refused", async () => {
  const headers = ["Connection: x-amz-copy-source", "x-amz-copy-source: a/b"];
  expect(await send({ headers })).toMatchObject({ status: 403 });
});

test("a header is refused before the body is requested with 100 Continue", async () => {
  await using connection = await openRawConnection(service.port);
  const headers = ["x-amz-copy-source: a/b", "Content-Length: 4", "Expect: 100-continue"];
  connection.send(requestHead(token, { line: "PUT / HTTP/1.1", headers }));
  expect(await nextResponse(connection)).toMatchObject({ status: 403 });
  expect(connection.received()).not.toContain("HTTP/1.1 100");
});

test("a date of the client does not become the date that is signed", async () => {
  const old = "19700101T000000Z";
  const headers = [
    `Date: ${old}`,
    `X-Amz-Date: ${old}`,
    `x-amz-date: ${old}`,
    `X_Amz_Date: ${old}`,
    `x-goog-date: ${old}`,
  ];
  expect(await send({ headers })).toMatchObject({ status: 200 });
  const request = target.requests.at(-1)!;
  const dates = request.rawHeaders.filter((text) => text.toLowerCase().replaceAll("_", "-") === "x-amz-date");
  expect(dates).toHaveLength(1);
  expect(request.headers["x-amz-date"]).not.toBe(old);
  expect(isCorrectlySigned(request, "s3")).toBe(true);
});

test("Connection of the client removes no header of a signed request", async () => {
  const named =
    "authorization, x-amz-date, x-amz-content-sha256, host, x-amz-acl, x-amz-tagging, content-length, via, cdn-loop";
  expect(await send({ headers: [`Connection: ${named}`] })).toMatchObject({ status: 200 });
  const request = target.requests.at(-1)!;
  expect(Object.keys(request.headers)).toEqual(
    expect.arrayContaining(named.split(", ").filter((name) => name !== "content-length")),
  );
  expect(isCorrectlySigned(request, "s3")).toBe(true);
});

test("headers that describe the client's body pass, and are signed", async () => {
  const headers = [
    "X-Amz-Meta-Color: red",
    "x-amz-checksum-sha256: AAAA",
    "x-amz-sdk-checksum-algorithm: SHA256",
    "x-amz-expected-bucket-owner: 111122223333",
    "x-amz-if-match-size: 7",
    "Content-Type: text/plain",
  ];
  expect(await send({ headers })).toMatchObject({ status: 200 });
  const request = target.requests.at(-1)!;
  expect(request.headers).toMatchObject({ "x-amz-meta-color": "red", "content-type": "text/plain" });
  expect(request.headers.authorization).toMatch(/SignedHeaders=content-type;host;.*x-amz-meta-color/);
  expect(isCorrectlySigned(request, "s3")).toBe(true);
});

test("a content hash of a client without a body is not the one that is signed", async () => {
  expect(await send({ headers: [`X-Amz-Content-Sha256: ${"a".repeat(64)}`] })).toMatchObject({ status: 200 });
  expect(target.requests.at(-1)!.headers["x-amz-content-sha256"]).toBe(sha256(""));
});

test.each([
  "X-Amz-Security-Token=a",
  "x-amz-date=a",
  "X-AMZ-SIGNATURE=a",
  "a=b&X-Amz-Algorithm=a",
  "X-Amz-Expires",
  "%58-Amz-Date=a",
  "x%2damz%2Ddate=a",
  "%78%2D%61%6D%7A%2D%64%61%74%65=a",
  "a&&x-amz-=",
])("the query ?%s is a 400, and nothing is sent to the target", async (query) => {
  const before = target.requests.length;
  const response = await send({ line: `GET /?${query} HTTP/1.1` });
  expect(response.status).toBe(400);
  expect(JSON.parse(response.body).message).toContain("X-Amz-");
  expect(target.requests).toHaveLength(before);
});

test.each(["list-type=2&prefix=a%2Fb", "versionId=a%20b", "uploadId=X-Amz-Date&x-id=a", "%6cist-type=2"])(
  "the query ?%s reaches the target and is signed",
  async (query) => {
    expect(await send({ line: `GET /?${query} HTTP/1.1` })).toMatchObject({ status: 200 });
    const request = target.requests.at(-1)!;
    expect(request.url).toBe(`/bucket/key?${query}`);
    expect(isCorrectlySigned(request, "s3")).toBe(true);
  },
);

test.each([
  ["GET", "acl"],
  ["PUT", "acl="],
  ["GET", "%61cl"],
  ["PUT", "prefix=a&tagging"],
  ["DELETE", "policy"],
  ["POST", "restore"],
  ["PUT", "uploads"],
  ["POST", "prefix=a;delete"],
  ["GET", "a=1"],
  ["PUT", "renameObject"],
])(
  "%s ?%s names another resource of the same bucket: 403, and nothing is sent to the target",
  async (method, query) => {
    const before = target.requests.length;
    const response = await send({ line: `${method} /?${query} HTTP/1.1`, headers: ["Content-Length: 0"] });
    expect(response.status).toBe(403);
    expect(response.headers.get("proxy-status")).toEqual(["membrane; error=http_request_denied"]);
    expect(JSON.parse(response.body)).toMatchObject({ code: "query_not_allowed" });
    expect(target.requests).toHaveLength(before);
  },
);

test("a query to a service that is not S3 passes", async () => {
  const exported = await exportTarget(service, {
    uri: `${target.url}stage`,
    allowQuery: true,
    hmac: { "aws4-hmac-sha256": { ...AWS_KEY, service: "execute-api" } },
  });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(exported.token, { line: "GET /?acl&a=1&Signature=2 HTTP/1.1" }));
  expect(await nextResponse(connection)).toMatchObject({ status: 200 });
  expect(target.requests.at(-1)!.url).toBe("/stage?acl&a=1&Signature=2");
  expect(isCorrectlySigned(target.requests.at(-1)!, "execute-api")).toBe(true);
});

test("headers that proxies change are sent as configured, and not signed", async () => {
  const headers = {
    "Accept-Encoding": "gzip",
    traceparent: "a",
    tracestate: "a",
    baggage: "a",
    "X-Request-Id": "a",
    "X-Correlation-Id": "a",
    "X-B3-TraceId": "a",
    b3: "a",
    "CF-Ray": "a",
    Priority: "u=1",
  };
  const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: "s3" } };
  const exported = await exportTarget(service, {
    uri: target.url,
    headers: { ...headers, "X-Kept": "a" },
    hmac,
  });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(exported.token));
  expect(await nextResponse(connection)).toMatchObject({ status: 200 });
  const request = target.requests.at(-1)!;
  for (const [name, value] of Object.entries(headers))
    expect(request.headers[name.toLowerCase()]).toBe(value);
  expect(request.headers.authorization).toContain(
    "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-kept,",
  );
  expect(isCorrectlySigned(request, "s3")).toBe(true);
});
