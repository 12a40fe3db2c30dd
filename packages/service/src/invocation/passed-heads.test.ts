import { expect, test } from "vitest";
import { sentRequestOf } from "../../../testkit/src/fixtures.ts";
import type { ReceivedHead } from "./passed-heads.ts";
import { PassedHeads } from "./passed-heads.ts";

const ONE = sentRequestOf({ uri: "https://example.com/v1/items?page=1" });
const OTHER = sentRequestOf(
  { uri: "https://example.com/v2/", headers: { "X-Api-Key": "secret" }, allowPath: true },
  [],
  "x-amz-security-token",
);

const received = (lines: readonly string[], more: Partial<ReceivedHead> = {}): ReceivedHead => ({
  status: 200,
  reason: "OK",
  lines,
  isBodiless: false,
  isRepeated: true,
  ...more,
});

test("a head that comes again is shaped once for all requests", () => {
  const heads = new PassedHeads([]);
  const lines = ["Content-Type", "text/plain"];
  const first = heads.passOn(received(lines), ONE);
  expect(first).toMatchObject({ ok: true, value: { status: 200, isRepeated: true } });
  const second = heads.passOn(received(lines), OTHER);
  expect(second.ok && first.ok && second.value === first.value).toBe(true);
});

test("a head that may not come again, or has no body where the client expects one, is neither kept nor found", () => {
  const heads = new PassedHeads([]);
  const lines = ["Content-Length", "3"];
  for (const more of [{ isRepeated: false }, { isBodiless: true }])
    expect(heads.passOn(received(lines, more), ONE)).toMatchObject({ value: { isRepeated: false } });
  expect(heads.passOn(received(lines), ONE)).toMatchObject({
    value: { headers: expect.arrayContaining(["Content-Length"]) },
  });
  const bodiless = heads.passOn(received(lines, { isBodiless: true }), ONE);
  expect(bodiless).not.toMatchObject({ value: { headers: expect.arrayContaining(["Content-Length"]) } });
});

test.each([
  ["a redirect", 302, ["Location", "/v2/next"]],
  ["a link", 200, ["LINK", "</v2/next>; rel=next"]],
  ["a status that S3 clients follow", 307, []],
  ["a challenge", 401, ["WWW-Authenticate", "Basic"]],
])("%s is filtered by the request that it responds to, however often it comes", (_, status, lines) => {
  const heads = new PassedHeads([]);
  for (const request of [ONE, OTHER, ONE]) {
    const fresh = new PassedHeads([]).passOn(received(lines, { status, isRepeated: false }), request);
    const outcome = heads.passOn(received(lines, { status }), request);
    expect(outcome).toEqual(fresh);
  }
});

test("a head that is refused is refused each time", () => {
  const heads = new PassedHeads([]);
  const lines = ["X", "a\0b"];
  for (let time = 0; time < 2; time += 1)
    expect(heads.passOn(received(lines), ONE)).toMatchObject({ ok: false });
});
