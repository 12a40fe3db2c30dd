import { expect, test } from "vitest";

import type { HmacConfiguration } from "../api/target-hmac.ts";
import { parseOpenings } from "./openings.ts";

function parse(fields: object, hmac?: HmacConfiguration): unknown {
  return parseOpenings(new Map(Object.entries(fields)), hmac);
}

function signedFor(service: string): HmacConfiguration {
  return {
    scheme: "aws4-hmac-sha256",
    awsAccessKeyId: "AKIDEXAMPLE",
    region: "us-east-1",
    service,
    secretAccessKey: "secret",
  };
}

test("a target opens nothing by default", () => {
  expect(parse({})).toEqual({ ok: true, value: { allowQuery: false } });
  const closed = { allowPath: false, allowQuery: false, encodedSlash: false, emptySegments: false };
  expect(parse(closed)).toEqual({ ok: true, value: { allowQuery: false } });
});

test("every opening is returned in its parsed form", () => {
  const fields = { allowPath: true, encodedSlash: true, emptySegments: true };
  expect(parse({ ...fields, allowQuery: true, allowHeaders: ["X-Amz-Target", "x-amz-target"] })).toEqual({
    ok: true,
    value: { ...fields, allowQuery: true, allowHeaders: ["x-amz-target", "x-amz-target"] },
  });
  expect(parse({ allowQuery: ["page", "a b", "größe"] })).toEqual({
    ok: true,
    value: { allowQuery: ["page", "a b", "größe"] },
  });
});

const LONG = "a".repeat(4_097);
const NOT_BOOLEANS = [null, 0, 1, "", "true", [], {}, [true]];

test.each([
  ["allowPath", NOT_BOOLEANS],
  ["encodedSlash", NOT_BOOLEANS],
  ["emptySegments", NOT_BOOLEANS],
  ["allowQuery", [null, 0, "", "page", {}, [], Array.from({ length: 65 }, () => "a")]],
  ["allowQuery[0]", [[""], [1], [null], [LONG], ["a\n"], ["\ud800"]]],
  ["allowHeaders", [null, true, "", "accept", {}, [], Array.from({ length: 65 }, () => "a")]],
  ["allowHeaders[0]", [[""], [1], [null], ["a b"], ["a:"], ["a".repeat(257)]]],
])("a wrong value is refused at %s", (field, values) => {
  for (const value of values) {
    const [name = ""] = field.split("[");
    expect(parse({ allowPath: true, [name]: value })).toMatchObject({ ok: false, error: { field } });
  }
});

const NEVER_OPENED =
  "Authorization X-Api-Key api-key x-goog-api-key X-Amz-Security-Token Cookie Host Connection TE Upgrade Transfer-Encoding " +
  "Content-Length Expect Via CDN-Loop X-Amz-Date x-amz-content-sha256 X-Cap-Date X-Payload-Sha256 Membrane-Operation " +
  "X-HTTP-Method-Override X-Method-Override X-Original-URL X_Rewrite_Url X_Api_Key x.api.key";

test.each(NEVER_OPENED.split(" "))("the header %s cannot be opened", (name) => {
  expect(parse({ allowHeaders: ["accept", name] })).toMatchObject({ error: { field: "allowHeaders[1]" } });
});

test.each(["encodedSlash", "emptySegments"])("%s needs allowPath", (field) => {
  expect(parse({ [field]: true })).toMatchObject({ error: { field } });
  expect(parse({ [field]: true, allowPath: false })).toMatchObject({ error: { field } });
  expect(parse({ [field]: true, allowPath: true })).toMatchObject({ ok: true });
});

test("empty segments cannot be opened where a signature would not be of the path that is sent", () => {
  const fields = { allowPath: true, emptySegments: true };
  expect(parse(fields, signedFor("execute-api"))).toMatchObject({ error: { field: "emptySegments" } });
  expect(parse(fields, signedFor("s3"))).toMatchObject({ ok: true });
});
