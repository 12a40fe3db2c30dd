import { expect, test } from "vitest";
import { preparedTarget } from "../../../../testkit/src/fixtures.ts";
import { openQuery } from "./query-opening.ts";

const URI = "https://a.example/v1";
const S3 = { awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "s" };
const aws4 = (service: string): object => ({ hmac: { "aws4-hmac-sha256": { ...S3, service } } });

/** What of a client's query passes, or why none does. */
function passing(body: object, query: string): string | object {
  const outcome = openQuery(preparedTarget({ uri: URI, ...body }), query, "GET");
  return outcome.ok ? outcome.value : outcome.error;
}

function notAllowed(key: string, why?: string): object {
  return { reason: "query_not_allowed", key, ...(why === undefined ? {} : { why }) };
}

test("with allowPath and without allowQuery, a query is refused: a request for a path would mean something else without it", () => {
  const target = { allowPath: true };
  expect(passing(target, "")).toBe("");
  expect(passing(target, "uploadId=1&a")).toEqual(notAllowed("uploadId", "not_named"));
  expect(passing(target, "x-id=GetObject")).toEqual(notAllowed("x-id", "not_named"));
  expect(passing({}, "uploadId=1")).toBe("");
});

test("towards an aws4 target the SDK's x-id is dropped where it may not pass, and nothing else", () => {
  for (const service of ["s3", "lambda"]) {
    const target = { ...aws4(service), allowPath: true };
    expect(passing(target, "x-id=GetObject")).toBe("");
    expect(passing(target, "x%2Did")).toBe("");
    expect(passing(target, "x-id=GetObject&uploadId=1")).toEqual(notAllowed("uploadId", "not_named"));
    expect(passing(target, "X-Id=a")).toEqual(notAllowed("X-Id", "not_named"));
    expect(passing({ ...target, allowQuery: ["acl"] }, "acl&x-id=1&acl=2")).toBe("acl&acl=2");
    expect(passing({ ...target, allowQuery: ["x-id"] }, "x-id=1")).toBe("x-id=1");
  }
  expect(passing({ ...aws4("s3"), allowQuery: true }, "x-id=1")).toBe("x-id=1");
});

test("a list admits its keys in any spelling, and passes on the bytes as they came", () => {
  const target = { allowQuery: ["page", "per page", "\u00e9"] };
  expect(passing(target, "%70age=%41+b&per%20page&%c3%a9=%ff&page=2")).toBe(
    "%70age=%41+b&per%20page&%c3%a9=%ff&page=2",
  );
});

test.each([
  ["page=1&Page=2", "Page", "not_named"],
  ["page[]=1", "page[]", "not_named"],
  ["=1", "", "not_named"],
  ["page=1;sort=2", "page", "ambiguous"],
  ["pa+ge=1", "pa+ge", "ambiguous"],
  ["page%00=1", "page%00", "ambiguous"],
  ["%ff=1", "%ff", "ambiguous"],
])("a list does not admit %s", (query, key, why) => {
  expect(passing({ allowQuery: ["page", "pa ge"] }, query)).toEqual(notAllowed(key, why));
});

test("a key of the target's own query is refused, whatever is open: servers take one or the other", () => {
  for (const allowQuery of [true, ["a", "b"]]) {
    const target = { uri: `${URI}?%61=1`, allowQuery };
    expect(passing(target, "b=1")).toBe("b=1");
    expect(passing(target, "b&a")).toEqual(notAllowed("a"));
    expect(passing(target, "b&%61=2")).toEqual(notAllowed("a"));
  }
});

test.each(["key", "api_key", "apikey", "access_token", "token"])(
  "the key %s passes to a target that carries a credential by the list alone",
  (key) => {
    const target = { headers: { Authorization: "Bearer a" } };
    expect(passing({ ...target, allowQuery: true }, `${key}=1`)).toEqual(notAllowed(key));
    expect(passing({ ...target, allowQuery: [key] }, `${key}=1`)).toBe(`${key}=1`);
    expect(passing({ allowQuery: true }, `${key}=1`)).toBe(`${key}=1`);
  },
);

test("towards S3, true passes what reads or continues, and a list also what it names", () => {
  const target = aws4("s3");
  expect(passing({ ...target, allowQuery: true }, "prefix=a")).toBe("prefix=a");
  for (const key of ["acl", "policy", "tagging"]) {
    expect(passing({ ...target, allowQuery: true }, key)).toEqual(notAllowed(key));
    expect(passing({ ...target, allowQuery: [key] }, key)).toBe(key);
  }
});

test.each(["X-Amz-Signature=1", "x-amz-date", "%58-Amz-Date", "AWSAccessKeyId=1", "signature=1"])(
  "no list opens %s of a presigned URL",
  (query) => {
    const [key = ""] = query.split("=");
    const allowQuery = [decodeURIComponent(key)];
    const invalid = { reason: "invalid_field", problem: { field: "query" } };
    expect(passing({ ...aws4("s3"), allowQuery }, query)).toMatchObject(invalid);
    expect(passing({ ...aws4("s3"), allowPath: true }, query)).toMatchObject(invalid);
  },
);

test("what cap1 cannot protect is invalid, even if a list names it", () => {
  const target = { hmac: { "cap1-hmac-sha512": { key: "abcd", keyId: "k" } }, allowQuery: ["a"] };
  expect(passing(target, "a=1")).toBe("a=1");
  for (const query of ["a", "a=1=2", "a=%ff"])
    expect(passing(target, query)).toMatchObject({ reason: "invalid_field" });
});

test("another authority decides about the query itself", () => {
  const query = "api_key=1&x-amz-date=2&a;b=%ff";
  expect(
    openQuery(preparedTarget({ capability: `cpblty://a.example/#CPBLTY1-${"A".repeat(86)}` }), query, "GET"),
  ).toEqual({
    ok: true,
    value: query,
  });
});
