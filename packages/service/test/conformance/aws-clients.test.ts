import { afterAll, beforeAll, expect, test } from "vitest";
import { AWS_KEY, isCorrectlySigned, sha256 } from "../../../testkit/src/aws4-reference.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { AWS_CLIENT_REQUESTS } from "../support/aws-client-requests.ts";

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

/** Headers that concern only the client: its date, retries and telemetry. */
const OF_THE_CLIENT = /^(?:amz-sdk-|x-amz-user-agent$|x-amz-acl$|x-amz-storage-class$)/;

/** The Authorization of a client with any access key. */
function signatureFor(name: string): string {
  const names = "host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
  const scope = `AKIDANY/20261128/us-east-1/${name}/aws4_request`;
  return `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=${names}, Signature=${"0".repeat(64)}`;
}

test.each(AWS_CLIENT_REQUESTS)(
  "$client: $method $uri is served with its meaning, or refused by a rule",
  async ({
    method,
    uri,
    headers,
    body = "",
    content = body,
    service: name = "s3",
    becomes,
    arrives = {},
  }) => {
    const [path = "", query = ""] = uri.split("?");
    const { token } = await exportTarget(service, {
      uri: new URL(path, target.url).href,
      allowQuery: true,
      hmac: { "aws4-hmac-sha256": { ...AWS_KEY, service: name } },
    });
    const before = target.requests.length;
    await using connection = await openRawConnection(service.port);
    const line = `${method} /${query === "" ? "" : `?${query}`} HTTP/1.1`;
    const framing = body === "" ? [] : [`Content-Length: ${body.length}`];
    const credentials = [`X-Amz-Security-Token: ${token}`, `Authorization: ${signatureFor(name)}`];
    const sent = [...credentials, ...headers, ...framing];
    connection.send(requestHead(undefined, { line, headers: sent }) + body);
    const response = await nextResponse(connection, { method });
    if (becomes !== 200) {
      expect(response.status).toBe(becomes[0]);
      // S3's clients get it in XML.
      expect(response.body).toContain(becomes[1]);
      expect(target.requests).toHaveLength(before);
      return;
    }
    expect(response.status).toBe(200);
    const request = target.requests.at(-1)!;
    expect(request).toMatchObject({ method, url: uri, headers: arrives });
    expect(request.body.toString()).toBe(content);
    expect(request.headers["x-amz-content-sha256"]).toBe(sha256(content));
    expect(request.headers["x-amz-date"]).not.toBe("20261128T202938Z");
    expect(Object.keys(request.headers).filter((each) => OF_THE_CLIENT.test(each))).toEqual([]);
    expect(isCorrectlySigned(request, name)).toBe(true);
    expect(request.rawHeaders.join("\n")).not.toMatch(/CPBLTY1|AKIDANY|AWS AKID/);
  },
);

test.each([
  "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDANY&X-Amz-Security-Token=TOKEN&X-Amz-Signature=0",
  "AWSAccessKeyId=AKIDANY&Expires=1&x-amz-security-token=TOKEN&Signature=0",
])("a presigned URL is a 400 that says so: its token would be in a URL", async (query) => {
  const { token } = await exportTarget(service, { uri: target.url, allowQuery: true });
  const before = target.requests.length;
  await using connection = await openRawConnection(service.port);
  const line = `GET /b/k?${query.replace("TOKEN", token)} HTTP/1.1`;
  connection.send(requestHead(undefined, { line }));
  const response = await nextResponse(connection);
  expect(response.status).toBe(400);
  expect(JSON.parse(response.body)).toMatchObject({ message: expect.stringContaining("presigned URL") });
  expect(response.body).not.toContain(token);
  expect(service.logged()).not.toContain(token);
  expect(target.requests).toHaveLength(before);
});
