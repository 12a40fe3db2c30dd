import type { Limits } from "capability-protocol";
import { expect, test } from "vitest";
import {
  authorizedUri,
  headersOf,
  preparedTarget,
  requestHeadOf,
  shaped,
} from "../../../testkit/src/fixtures.ts";
import { compileLimits } from "./limits/compiled-limits.ts";
import { narrow } from "./narrow.ts";

const FOREIGN = { capability: `cpblty://a.example/#CPBLTY1-${"A".repeat(86)}` };

/** The header lines that reach the target, its own first; or why there is no request. */
function headersTo(body: object, limits: Limits, ...rawHeaders: string[]): readonly string[] | object {
  const target = preparedTarget(body);
  const head = requestHeadOf({ rawHeaders, body: { kind: "length", length: 1 } });
  const compiled = compileLimits([{ limits }]);
  if (compiled === undefined) throw new Error("the limits narrow nothing");
  const outcome = narrow(compiled, target, authorizedUri(target, head), shaped(target, head));
  return outcome.ok ? headersOf(outcome.value) : outcome.error;
}

test("limits drop headers of the client alone, never those of the target or the framing", () => {
  const body = { uri: "https://a.example/", headers: { "X-Ours": "1", Authorization: "ours" } };
  const limits = { headers: new Map([["x-a", "any"]] as const) };
  const kept = ["X-A", "1", "Content-Type", "a/b"];
  const own = ["Host", "a.example", "X-Ours", "1", "Authorization", "ours"];
  expect(headersTo(body, limits, "X-B", "2", ...kept)).toEqual([...own, ...kept, "Content-Length", "1"]);
});

test("towards another authority, limits drop nothing that says how the body is framed or hashed", () => {
  const hashes = ["X-Payload-Sha256", "a", "X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"];
  const chunks = ["X-Amz-Decoded-Content-Length", "1", "X-Amz-Trailer", "x-amz-checksum-crc32"];
  const framing = [...hashes, ...chunks, "Content-Encoding", "aws-chunked"];
  const headers = headersTo(FOREIGN, { headers: new Map() }, ...framing, "X-Amz-Date", "a", "X-A", "1");
  expect(headers).toEqual([...preparedTarget(FOREIGN).headers, ...framing, "Content-Length", "1"]);
});

test("a header that the target sets, and the client may only repeat, satisfies a limit", () => {
  const hmac = { awsAccessKeyId: "A", region: "r", service: "dynamodb", secretAccessKey: "s" };
  const body = {
    uri: "https://a.example/",
    headers: { "X-Amz-Target": "A" },
    hmac: { "aws4-hmac-sha256": hmac },
  };
  const limits = (value: string): Limits => ({ headers: new Map([["x-amz-target", [value]]]) });
  expect(headersTo(body, limits("A"), "x-amz-target", "A")).toContain("X-Amz-Target");
  expect(headersTo(body, limits("B"), "x-amz-target", "A")).toMatchObject({ reason: "header_not_allowed" });
});

test("limits keep the client's headers whole where the target's own aws-chunked is taken off with the frames", () => {
  const hmac = { awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "s" };
  const body = {
    uri: "http://a.example/",
    headers: { "Content-Encoding": "aws-chunked" },
    hmac: { "aws4-hmac-sha256": hmac },
  };
  const chunked = [
    ["X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"],
    ["X-Amz-Decoded-Content-Length", "5"],
  ].flat();
  const sent = headersTo(body, { headers: new Map([["x-a", "any"]]) }, "X-A", "1", ...chunked);
  expect(sent).toEqual(["Host", "a.example", "X-A", "1", "Content-Length", "5"]);
});
