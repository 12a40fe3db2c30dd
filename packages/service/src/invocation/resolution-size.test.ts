import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Limits } from "capability-protocol";
import { expect, test } from "vitest";
import { AWS_KEY } from "../../../testkit/src/aws4-reference.ts";
import { preparedTarget } from "../../../testkit/src/fixtures.ts";
import type { LimitedNode } from "../domain/limits.ts";
import { parseUid } from "../domain/uid.ts";
import { decodeCapabilityPayload, encodeCapabilityPayload } from "../store/codec/capability-payload.ts";
import { compileLimits } from "./limits/compiled-limits.ts";
import { resolutionSize } from "./resolution-size.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** As many targets as are measured together. */
const COUNT = 200;

const uri = "https://target.example/";
const aws4 = { hmac: { "aws4-hmac-sha256": { ...AWS_KEY, service: "lambda" } } };
const cap1 = { hmac: { "cap1-hmac-sha512": { key: "AAAA", keyId: "k" } } };
const headers = Object.fromEntries(Array.from({ length: 800 }, (_, i) => [`x${i.toString(36)}`, ""]));

test.each([
  ["many headers of a few characters", { uri, headers }],
  ["the same, signed with aws4", { uri, headers, ...aws4 }],
  ["the same, signed with cap1", { uri, headers, ...cap1 }],
  ["one long header", { uri, headers: { a: "x".repeat(8_000) }, ...aws4 }],
  ["a long query", { uri: `${uri}?${"a&".repeat(2_000)}`, ...aws4 }],
])("a verdict on a target with %s counts at least what it takes", (_what, body) => {
  const wire = JSON.stringify(body);
  const size = measure(() => preparedTarget(JSON.parse(wire)));
  expect(size).toBeLessThan(resolutionSize({ nodes: 4, configurationBytes: wire.length, limitBytes: 0 }));
});

const numbers = Array.from({ length: 64 }, (_, i) => i.toString(36));
const paths = numbers.map((text) => `/${text}`);
const query = new Map(numbers.map((text) => [text, ["a", { startsWith: "b" }]] as const));

test.each<[string, Limits]>([
  ["a time", { notBefore: 1 }],
  ["many short paths", { paths }],
  ["many long paths", { paths: paths.map((path) => path.repeat(16)) }],
  ["many methods", { methods: numbers }],
  ["many query keys", { query }],
  ["many headers", { headers: new Map(numbers.map((text) => [text, "any"])) }],
  ["many blocks of addresses", { clientCidrs: numbers.map(() => "10.0.0.0/8") }],
  ["many alternatives", { requests: numbers.slice(0, 32).map(() => ({ methods: ["GET"], paths })) }],
])("a resolution with %s among its limits counts at least what they take", (_what, limits) => {
  const node: LimitedNode = { uid: parseUid("a".repeat(32)), createdAt: 1, limits };
  const payload = encodeCapabilityPayload({ secret: Buffer.alloc(0), limits: [node] });
  const size = measure(() => {
    const opened = decodeCapabilityPayload(Buffer.from(payload))!;
    return [opened, compileLimits(opened.limits)];
  });
  expect(size).toBeLessThan(resolutionSize({ nodes: 4, configurationBytes: 0, limitBytes: payload.length }));
});

/** How much memory each of many values takes, in bytes. */
function measure(make: () => object): number {
  const heap = (): number => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const made: object[] = [];
  // What is made once, whatever the value, is made now.
  make();
  const before = heap();
  for (let i = 0; i < COUNT; i += 1) made.push(make());
  return (heap() - before) / made.length;
}
