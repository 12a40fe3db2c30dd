import { afterAll, beforeAll, expect, test } from "vitest";
import { AWS_KEY, isRightlySigned, sha256 } from "../src/testkit/aws4-judge.ts";
import { openDoor } from "../src/testkit/door.ts";
import { startTestService } from "../src/testkit/service.ts";
import type { TestService } from "../src/testkit/service.ts";
import { startTarget } from "../src/testkit/target.ts";
import type { TestTarget } from "../src/testkit/target.ts";
import { nextAnswer, openWire, requestHead } from "../src/testkit/wire.ts";
import { AWS_CLIENT_REQUESTS } from "./aws-client-requests.ts";

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

/** What only the client's own side means: its date, retries and telemetry. */
const OF_THE_CLIENT = /^(?:amz-sdk-|x-amz-user-agent$|x-amz-acl$|x-amz-storage-class$)/;

test.each(AWS_CLIENT_REQUESTS)(
  "$client: $method $uri is served as it was meant, or refused by rule, never something else",
  async ({ method, uri, headers, body = "", service: name = "s3", becomes, arrives = {} }) => {
    const [path = "", query = ""] = uri.split("?");
    const { door } = await openDoor(service, {
      uri: new URL(path, target.url).href,
      allowQuery: true,
      hmac: { "aws4-hmac-sha256": { ...AWS_KEY, service: name } },
    });
    const before = target.requests.length;
    await using wire = await openWire(service.port);
    const line = `${method} /${query === "" ? "" : `?${query}`} HTTP/1.1`;
    const framing = body === "" ? [] : [`Content-Length: ${body.length}`];
    wire.send(requestHead(door, { line, headers: [...headers, ...framing] }) + body);
    const answer = await nextAnswer(wire, { method });
    if (becomes !== 200) {
      expect(answer.status).toBe(becomes[0]);
      expect(JSON.parse(answer.body)).toMatchObject({ code: becomes[1] });
      expect(target.requests).toHaveLength(before);
      return;
    }
    expect(answer.status).toBe(200);
    const request = target.requests.at(-1)!;
    expect(request).toMatchObject({ method, url: uri, headers: arrives });
    expect(request.body.toString()).toBe(body);
    expect(request.headers["x-amz-content-sha256"]).toBe(sha256(body));
    expect(request.headers["x-amz-date"]).not.toBe("20261128T202938Z");
    expect(Object.keys(request.headers).filter((each) => OF_THE_CLIENT.test(each))).toEqual([]);
    expect(isRightlySigned(request, name)).toBe(true);
  },
);
