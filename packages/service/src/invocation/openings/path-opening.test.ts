import { expect, test } from "vitest";
import { preparedTarget } from "../../../../testkit/src/fixtures.ts";
import { joinPath, openPath } from "./path-opening.ts";

const AWS4 = { awsAccessKeyId: "A", region: "r", secretAccessKey: "s" };

/** The path that is sent for a client's, or why none is. */
function sentPath(body: object, raw: string): string | object {
  const target = preparedTarget(body);
  const path = openPath(target, raw);
  return path.ok ? joinPath(target, path.value) : path.error;
}

test.each([
  ["https://a.example/v1", "/", "/v1"],
  ["https://a.example/v1/", "/", "/v1/"],
  ["https://a.example/v1", "/x", "/v1/x"],
  ["https://a.example/v1/", "/x", "/v1/x"],
  ["https://a.example", "/x/", "/x/"],
  ["https://a.example/?q", "/%7eb%2d%c3%a9", "/~b-%C3%A9"],
  ["https://a.example/v1", "/b.example/x", "/v1/b.example/x"],
  ["https://a.example/v%31;x/", "/@b:8080", "/v%31;x/@b:8080"],
  ["https://a.example/v1//", "/x", "/v1//x"],
])("below %s, %s is %s", (uri, path, sent) => {
  expect(sentPath({ uri, allowPath: true }, path)).toBe(sent);
});

test("the path is sent in the spelling of the signature", () => {
  const target = (service: string): object => ({
    uri: "https://a.example/b(1)",
    allowPath: true,
    hmac: { "aws4-hmac-sha256": { ...AWS4, service } },
  });
  expect(sentPath(target("s3"), "/k(2)+")).toBe("/b%281%29/k%282%29%2B");
  expect(sentPath(target("execute-api"), "/k(2)+")).toBe("/b(1)/k(2)+");
});

test.each([
  ["/x/../y", "dot-segment"],
  ["/%2e%2e/y", "dot-segment"],
  ["/a/..;/b", "dot-segment"],
  ["//b.example/x", "empty-segment"],
  ["/a%2Fb", "encoded-slash"],
  ["/%252e", "double-encoding"],
  ["/%zz", "percent"],
  ["/\\b", "character"],
])("%s is refused, and the message names the rule %s and nothing of the path", (path, rule) => {
  const refusal = sentPath({ uri: "https://a.example/v1", allowPath: true }, path);
  expect(refusal).toMatchObject({ reason: "invalid_path", message: expect.stringContaining(`(${rule})`) });
});

test("a target opens encoded slashes and empty segments each by itself", () => {
  const target = { uri: "https://a.example/v1", allowPath: true };
  expect(sentPath({ ...target, encodedSlash: true }, "/a%2fb")).toBe("/v1/a%2Fb");
  expect(sentPath({ ...target, encodedSlash: true }, "/a//b")).toMatchObject({ reason: "invalid_path" });
  expect(sentPath({ ...target, emptySegments: true }, "/a//b/")).toBe("/v1/a//b/");
  expect(sentPath({ ...target, emptySegments: true }, "//")).toBe("/v1//");
  expect(sentPath({ ...target, emptySegments: true }, "/a%2fb")).toMatchObject({ reason: "invalid_path" });
});

test("without allowPath there is only the path /, whatever another path looks like", () => {
  for (const path of ["/x", "//", "/.", "/%2f", "/\\", "/%"])
    expect(sentPath({ uri: "https://a.example/v1" }, path)).toEqual({ reason: "path_not_found" });
});

test("another authority decides about paths itself, and gets them in their canonical form", () => {
  const foreign = { capability: `cpblty://a.example/#CPBLTY1-${"A".repeat(86)}` };
  expect(sentPath(foreign, "/")).toBe("/");
  expect(sentPath(foreign, "/a%2f%62//c")).toBe("/a%2Fb//c");
  expect(sentPath(foreign, "/../c")).toMatchObject({ reason: "invalid_path" });
});
