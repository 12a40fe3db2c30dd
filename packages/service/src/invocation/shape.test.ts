import fc from "fast-check";
import { expect, test } from "vitest";
import { preparedTarget, requestHeadOf } from "../testkit/prepared.ts";
import { shape } from "./shape.ts";

const URI = "https://example.com:8443/a%20b/c?d=e";
const HOST = ["Host", "example.com:8443"];

test("the target's path and host stand, whatever the requester sends", () => {
  const head = requestHeadOf({ rawHeaders: ["Host", "membrane.test", "Accept", "*/*"] });
  expect(shape(preparedTarget({ uri: URI }), head)).toEqual({
    method: "GET",
    path: "/a%20b/c",
    query: "d=e",
    headers: [...HOST, "Accept", "*/*"],
  });
});

test("Host is without the default port", () => {
  const { headers } = shape(preparedTarget({ uri: "http://Example.com:80/" }), requestHeadOf());
  expect(headers).toEqual(["Host", "example.com"]);
});

test("the target's method wins over the requester's", () => {
  const head = requestHeadOf({ method: "DELETE" });
  expect(shape(preparedTarget({ uri: URI, method: "put" }), head).method).toBe("PUT");
  expect(shape(preparedTarget({ uri: URI }), head).method).toBe("DELETE");
});

test.each([
  [URI, false, "x=y", "d=e"],
  [URI, true, "", "d=e"],
  [URI, true, "x=%2f&&", "d=e&x=%2f&&"],
  ["https://example.com/", true, "x", "x"],
  ["https://example.com/", false, "x", ""],
])("%s with allowQuery %s and the query %j asks for %j", (uri, allowQuery, query, sent) => {
  expect(shape(preparedTarget({ uri, allowQuery }), requestHeadOf({ query })).query).toBe(sent);
});

test("of a name that the target configures no line of the requester is left, in whatever spelling", () => {
  const name = "X-Api-Key";
  const spelling = fc
    .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
    .chain((upper) => fc.boolean().map((low) => ({ upper, separator: low ? "_" : "-" })))
    .map(({ upper, separator }) =>
      Array.from(name, (letter, index) => (upper[index] ? letter.toUpperCase() : letter.toLowerCase()))
        .join("")
        .replaceAll("-", separator),
    );
  const target = preparedTarget({ uri: URI, headers: { "x-API-key": "ours" } });
  fc.assert(
    fc.property(fc.array(spelling), (names) => {
      const rawHeaders = names.flatMap((each) => [each, "theirs"]);
      expect(shape(target, requestHeadOf({ rawHeaders })).headers).toEqual([...HOST, "x-API-key", "ours"]);
    }),
  );
});

test("Connection takes the requester's own headers away and none of the target's", () => {
  const target = preparedTarget({ uri: URI, headers: { Authorization: "ours", Cookie: "ours" } });
  const configured = ["Authorization", "ours", "Cookie", "ours"];
  const rawHeaders = ["connection", "Authorization, HOST, cookie, x_mine", "X_Mine", "1", "X-Kept", "2"];
  expect(shape(target, requestHeadOf({ rawHeaders })).headers).toEqual([
    ...HOST,
    ...configured,
    "X-Kept",
    "2",
  ]);
});

test("X-Payload-Sha256 passes to another authority alone, the requester's token to nobody", () => {
  const token = `CPBLTY1-${"A".repeat(86)}`;
  const foreign = preparedTarget({ capability: `cpblty://a.example/#${token}` });
  expect(foreign.headers).toEqual(["Host", "a.example", "Authorization", `Bearer ${token}`]);
  const rawHeaders = ["X-Payload-Sha256", "abc", "Authorization", "Bearer mine", "Cookie", "a"];
  expect(shape(foreign, requestHeadOf({ rawHeaders })).headers).toEqual([
    ...foreign.headers,
    "X-Payload-Sha256",
    "abc",
  ]);
  expect(shape(preparedTarget({ uri: URI }), requestHeadOf({ rawHeaders })).headers).toEqual(HOST);
});
