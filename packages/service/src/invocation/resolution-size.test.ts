import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { AWS_KEY } from "../../../testkit/src/aws4-reference.ts";
import { preparedTarget } from "../../../testkit/src/fixtures.ts";
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
])("a verdict on a target with %s is charged at least what it takes", (_what, body) => {
  const wire = JSON.stringify(body);
  const made: object[] = [];
  const heap = (): number => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  // What is made once, whatever the target, is made now.
  preparedTarget(JSON.parse(wire));
  const before = heap();
  for (let i = 0; i < COUNT; i += 1) made.push(preparedTarget(JSON.parse(wire)));
  expect((heap() - before) / made.length).toBeLessThan(resolutionSize(4, wire.length));
});
