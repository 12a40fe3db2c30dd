import { GetObjectAclCommand, GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { freePort } from "../../../testkit/src/free-port.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";

/* Clients of S3 send the token as X-Amz-Security-Token, and show nothing of an error in JSON. */

const UNKNOWN_TOKEN = `CPBLTY1-${"A".repeat(86)}`;
const KEY = { awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "s" };
const S3_KINDS = ["s3", "s3express", "s3-outposts", "s3-object-lambda"];

let service: TestService;
let uri: string;
beforeAll(async () => {
  service = await startTestService({ aliases: ["alias.test"] });
  uri = `http://127.0.0.1:${await freePort()}/`;
});
afterAll(() => service.close());

async function exportFor(awsService: string): Promise<string> {
  const hmac = { "aws4-hmac-sha256": { ...KEY, service: awsService } };
  return (await exportTarget(service, { uri, hmac })).token;
}

/** Sends a request with the token as session token, and the client's own signature. */
async function send(token: string, line: string, headers: readonly string[] = []): Promise<RawResponse> {
  await using connection = await openRawConnection(service.port);
  const signature = "Authorization: AWS4-HMAC-SHA256 Credential=any/20261129/r/s3/aws4_request, Signature=0";
  const session = [signature, `X-Amz-Security-Token: ${token}`];
  connection.send(requestHead(undefined, { line, headers: [...session, ...headers] }));
  return await nextResponse(connection);
}

test.each(S3_KINDS)("an error in place of a response of %s is XML, as S3 has it", async (kind) => {
  const token = await exportFor(kind);
  for (const [line, headers, status, code, own] of [
    ["GET /other HTTP/1.1", [], 404, "InvalidURI", "path_not_found"],
    ["GET / HTTP/1.1", ["X-Amz-Copy-Source: a"], 403, "AccessDenied", "header_not_allowed"],
    [
      "GET / HTTP/1.1",
      ["Upgrade: other", "Connection: upgrade"],
      501,
      "NotImplemented",
      "upgrade_not_supported",
    ],
    ["GET / HTTP/1.1", [], 502, "ServiceUnavailable", "target_unreachable"],
  ] as const) {
    const response = await send(token, line, headers);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toEqual(["application/xml"]);
    expect(response.headers.get("cache-control")).toEqual(["no-store"]);
    expect(response.headers.get("content-length")).toEqual([String(response.body.length)]);
    expect(response.headers.get("proxy-status")).toHaveLength(1);
    const error = `<Error><Code>${code}</Code><Message>[^<>]+ \\(${own}\\)</Message></Error>`;
    expect(response.body).toMatch(new RegExp(`^<\\?xml version="1.0" encoding="UTF-8"\\?>\\n${error}$`));
  }
});

test("a bucket in the host name is refused, since the first segment of the path would be taken for the bucket", async () => {
  const send = async (kind: string, host: string) =>
    call(service, undefined, { headers: { host, "x-amz-security-token": await exportFor(kind) } });
  for (const host of [
    "bucket.membrane.test",
    "my.Bucket.Membrane.Test:443",
    "membrane.test.alias.test",
    "bucket.membrane.test.",
    "bucket.membrane.test.:443",
    "bucket.alias.test:1",
  ]) {
    const { status, text } = await send("s3", host);
    expect([host, status]).toEqual([host, 400]);
    expect(text).toMatch(/<Message>Host: expected the path style: [^<]+ \(invalid_field\)<\/Message>/);
  }
  const others = [
    "membrane.test",
    "MEMBRANE.test:443",
    "membrane.test.:1",
    "alias.test",
    "amembrane.test",
    "bucket.test",
  ];
  for (const host of others) expect([host, (await send("s3", host)).status]).toEqual([host, 502]);
  expect((await send("lambda", "bucket.membrane.test")).status).toBe(502);
});

test("a bucket in the host name is refused for a capability of another authority, which may be for S3", async () => {
  const { token } = await exportTarget(service, { capability: `cpblty://other.test/#${UNKNOWN_TOKEN}` });
  const headers = (host: string) => ({ host, "x-amz-security-token": token });
  const refused = await call(service, undefined, { headers: headers("bucket.membrane.test.") });
  expect([refused.status, refused.text]).toEqual([400, expect.stringContaining("expected the path style")]);
  expect((await call(service, undefined, { headers: headers("membrane.test") })).status).toBe(502);
});

test("a HEAD gets the head of the error alone", async () => {
  const headers = { "x-amz-security-token": await exportFor("s3") };
  const response = await call(service, undefined, { method: "HEAD", path: "/other", headers });
  expect(response.status).toBe(404);
  expect(response.headers["content-type"]).toBe("application/xml");
  expect(response.text).toBe("");
});

test("the name of a header cannot end the XML", async () => {
  const response = await send(await exportFor("s3"), "GET / HTTP/1.1", ["x-amz-a'b&c: 1"]);
  expect(response.body).toContain("<Message>x-amz-a&apos;b&amp;c: this header");
});

test("all other errors are JSON: of other targets, of the service itself, with the token elsewhere, and the 401", async () => {
  const s3 = await exportFor("s3");
  const { token: plain } = await exportTarget(service, { uri });
  const membrane = await createMembrane(service, service.tokens.create, "json");
  for (const response of [
    await send(await exportFor("lambda"), "GET /other HTTP/1.1"),
    await send(plain, "GET /other HTTP/1.1"),
    await send(membrane.export, "GET /other HTTP/1.1"),
    await send(UNKNOWN_TOKEN, "GET /other HTTP/1.1"),
    await send(s3, "GET /other HTTP/1.1", ["Host: two"]),
  ]) {
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.headers.get("content-type")).toEqual(["application/json"]);
    expect(JSON.parse(response.body)).toMatchObject({ statusCode: response.status });
  }
  expect((await call(service, s3, { path: "/other" })).json).toMatchObject({ code: "path_not_found" });
});

test("the AWS SDK for JavaScript shows an error of the service as one of S3, and retries what a pause helps", async () => {
  await using target = await startTarget();
  const { token } = await exportTarget(service, {
    uri: target.url,
    allowPath: true,
    hmac: { "aws4-hmac-sha256": KEY },
    limits: { maxUses: 1, maxUsesEveryMs: 3_600_000 },
  });
  const client = new S3Client({
    endpoint: service.url,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: "any", secretAccessKey: "any", sessionToken: token },
    maxAttempts: 2,
  });
  const object = { Bucket: "bucket", Key: "a" };
  await expect(client.send(new GetObjectAclCommand(object))).rejects.toMatchObject({
    name: "AccessDenied",
    message: expect.stringMatching(/acl.*\(query_not_allowed\)$/),
    $metadata: { httpStatusCode: 403, attempts: 1 },
  });
  await client.send(new GetObjectCommand(object));
  await expect(client.send(new GetObjectCommand(object))).rejects.toMatchObject({
    name: "SlowDown",
    message: expect.stringMatching(/\(quota_exhausted\)$/),
    $metadata: { httpStatusCode: 429, attempts: 2 },
  });
  client.destroy();
});
