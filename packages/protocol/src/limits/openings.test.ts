import { describe, expect, test } from "vitest";

import { INVALID_OPENINGS } from "../../../testkit/src/invalid-exports.ts";
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

describe.each(INVALID_OPENINGS)("%s", (field, wrong) => {
  test.each(wrong.map((fields) => [JSON.stringify(fields).slice(0, 80), fields]))(
    "is named when the openings %s are refused",
    (_, { hmac, ...fields }: { readonly hmac?: unknown }) => {
      const signed = hmac === undefined ? undefined : signedFor("lambda");
      expect(parse(fields, signed)).toMatchObject({ ok: false, error: { field } });
    },
  );
});

test.each(["encodedSlash", "emptySegments"])("%s can be opened with allowPath", (field) => {
  expect(parse({ [field]: true, allowPath: true })).toMatchObject({ ok: true });
});

test("empty segments can be opened where the signature is of the path that is sent", () => {
  expect(parse({ allowPath: true, emptySegments: true }, signedFor("s3"))).toMatchObject({ ok: true });
});
