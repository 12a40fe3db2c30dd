import { parseExportRequest } from "capability-protocol";
import type { TargetBody } from "capability-sdk";
import { expect, test } from "vitest";
import { makeCapability } from "../../../../test/support/capabilities.ts";
import { findTargetWarnings } from "./target-warnings.ts";

function warnings(body: Partial<TargetBody>): readonly string[] {
  const request = parseExportRequest({ uri: "https://a.test/", ...body });
  if (!request.ok) throw new TypeError(request.error.field);
  return findTargetWarnings(request.value).map(({ field, message }) => `${field}: ${message}`);
}

const OPENAI = "https://api.openai.com";

test.each<[Partial<TargetBody>, string]>([
  [{ uri: `${OPENAI}/v1/*`, allowPath: true }, "uri: a * is sent as it is"],
  [{ uri: OPENAI, allowPath: true }, "uri: the base of this API is https://api.openai.com/v1"],
  [
    { uri: "https://github.com/o/r", allowPath: true },
    "uri: the base of this API is https://api.github.com/",
  ],
  [{ headers: { "X-Api-Key": "$KEY" } }, "headers.X-Api-Key: the value is the name of a variable"],
  [
    { headers: { Authorization: "Bearer ${KEY}" } },
    "headers.Authorization: the value is the name of a variable",
  ],
  [{ uri: `${OPENAI}/v1`, headers: { Authorization: "sk-1" } }, "headers.Authorization: this API expects"],
  [{ allowQuery: ["page,size"] }, "allowQuery[0]: a comma is part of the key page,size; repeat the option"],
  [{ limits: { headers: { "mcp-name": ["a,b"] } } }, "limits.headers.mcp-name: a comma is part of the name"],
  [
    { allowPath: true, limits: { paths: ["/x", "/a,/b"] } },
    "limits.paths[1]: a comma is part of the pattern",
  ],
])("%j has a warning: %s", (body, warning) => {
  const found = warnings(body);
  expect(found).toHaveLength(1);
  expect(found[0]?.startsWith(warning), found[0]).toBe(true);
});

test.each<Partial<TargetBody>>([
  { uri: `${OPENAI}/v1`, allowPath: true, headers: { Authorization: "Bearer sk-1" } },
  { uri: "https://github.com/o/r.git", allowPath: true, headers: { Authorization: "Basic QTpC" } },
  { headers: { Authorization: "secret", "X-A": "a$b" } },
  { allowQuery: ["page", "size"], allowPath: true, limits: { paths: ["/a,b", "/Items(1,2)"] } },
])("%j has no warning", (body) => {
  expect(warnings(body)).toEqual([]);
});

test("of a re-export only two patterns in one are known to be wrong", () => {
  const body = { capability: makeCapability(), limits: { paths: ["/a,/b"], headers: { "x-a": true } } };
  const request = parseExportRequest(body);
  expect(request.ok && findTargetWarnings(request.value)).toMatchObject([{ field: "limits.paths[0]" }]);
});
