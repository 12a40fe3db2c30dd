import { afterAll, beforeAll, expect, test } from "vitest";
import { AWS_KEY, isRightlySigned, sha256 } from "../src/testkit/aws4-judge.ts";
import { openDoor } from "../src/testkit/door.ts";
import { startTestService } from "../src/testkit/service.ts";
import type { TestService } from "../src/testkit/service.ts";
import { startTarget } from "../src/testkit/target.ts";
import type { TestTarget } from "../src/testkit/target.ts";
import { nextAnswer, openWire, requestHead } from "../src/testkit/wire.ts";
import type { WireAnswer } from "../src/testkit/wire.ts";

/*
 * Under our signature a header or a query key of the requester could turn one door into another: a copy source, another
 * operation of the same endpoint, an ACL, somebody else's session. None of them gets there.
 */

const CANARY = "canary-1a2b3c";

let service: TestService;
let target: TestTarget;
let door: string;
beforeAll(async () => {
  service = await startTestService();
  target = await startTarget();
  ({ door } = await openDoor(service, {
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

async function send(head: Parameters<typeof requestHead>[1]): Promise<WireAnswer> {
  await using wire = await openWire(service.port);
  wire.send(requestHead(door, head));
  return await nextAnswer(wire);
}

test.each([
  "x-amz-copy-source",
  "x-amz-copy-source-range",
  "x-amz-target",
  "x-amz-acl",
  "x-amz-grant-full-control",
  "x-amz-tagging",
  "x-amz-security-token",
  "x-amz-date",
  "x-amz-content-sha256",
  "x-amz-expected-bucket-owner",
  "x-amz-server-side-encryption",
  "x-amz-website-redirect-location",
  "x-amz-bypass-governance-retention",
  "x-amz-invocation-type",
  "x-amz-anything",
  "x-amz-",
])("%s of the requester does not reach a signed target, whatever its spelling", async (name) => {
  const spellings = [name, name.toUpperCase(), name.replaceAll("-", "_"), name.replace("x-amz-", "X_Amz-")];
  for (const spelling of spellings) {
    expect(await send({ headers: [`${spelling}: ${CANARY}`, `${spelling}:${CANARY}`] })).toMatchObject({
      status: 200,
    });
    const request = target.requests.at(-1)!;
    expect(request.rawHeaders.join("\n")).not.toContain(CANARY);
    expect(request.headers["x-amz-acl"]).toBe("private");
    expect(isRightlySigned(request, "s3")).toBe(true);
  }
});

test("a date of the requester does not become the date that is signed", async () => {
  const old = "19700101T000000Z";
  const headers = [`Date: ${old}`, `X-Amz-Date: ${old}`, `x-amz-date: ${old}`, `X_Amz_Date: ${old}`];
  expect(await send({ headers })).toMatchObject({ status: 200 });
  const request = target.requests.at(-1)!;
  const dates = request.rawHeaders.filter((text) => text.toLowerCase().replaceAll("_", "-") === "x-amz-date");
  expect(dates).toHaveLength(1);
  expect(request.headers["x-amz-date"]).not.toBe(old);
  expect(isRightlySigned(request, "s3")).toBe(true);
});

test("Connection of the requester removes nothing that a signed request carries", async () => {
  const named =
    "authorization, x-amz-date, x-amz-content-sha256, host, x-amz-acl, x-amz-tagging, content-length, via, cdn-loop";
  expect(await send({ headers: [`Connection: ${named}`] })).toMatchObject({ status: 200 });
  const request = target.requests.at(-1)!;
  expect(Object.keys(request.headers)).toEqual(
    expect.arrayContaining(named.split(", ").filter((name) => name !== "content-length")),
  );
  expect(isRightlySigned(request, "s3")).toBe(true);
});

test("what describes the requester's own body passes, and is signed", async () => {
  const headers = [
    "X-Amz-Meta-Color: red",
    "x-amz-checksum-sha256: AAAA",
    "x-amz-sdk-checksum-algorithm: SHA256",
    "Content-Type: text/plain",
  ];
  expect(await send({ headers })).toMatchObject({ status: 200 });
  const request = target.requests.at(-1)!;
  expect(request.headers).toMatchObject({ "x-amz-meta-color": "red", "content-type": "text/plain" });
  expect(request.headers.authorization).toMatch(/SignedHeaders=content-type;host;.*x-amz-meta-color/);
  expect(isRightlySigned(request, "s3")).toBe(true);
});

test("a content hash of the requester is not the one that is signed", async () => {
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
])("the query ?%s is a 400, and the target is not asked", async (query) => {
  const before = target.requests.length;
  const answer = await send({ line: `GET /?${query} HTTP/1.1` });
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.body).message).toContain("X-Amz-");
  expect(target.requests).toHaveLength(before);
});

test.each(["a=X-Amz-Date", "list-type=2&prefix=a%2Fb", "versionId=a%20b", "tagging"])(
  "the query ?%s reaches the target and is signed",
  async (query) => {
    expect(await send({ line: `GET /?${query} HTTP/1.1` })).toMatchObject({ status: 200 });
    const request = target.requests.at(-1)!;
    expect(request.url).toBe(`/bucket/key?${query}`);
    expect(isRightlySigned(request, "s3")).toBe(true);
  },
);
