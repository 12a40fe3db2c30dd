import { describe, expect, test } from "vitest";

import { INVALID_OPENINGS } from "../../../testkit/src/invalid-exports.ts";
import { parseTarget } from "../api/target.ts";
import { parseOpenings } from "./openings.ts";

function parse(fields: object): unknown {
  return parseOpenings(new Map(Object.entries(fields)));
}

/** Parses openings together with the other fields of a target. */
function parseWithTarget(fields: object): unknown {
  return parseTarget(new Map(Object.entries({ uri: "https://api.example/", ...fields })));
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
    (_, fields) => {
      expect(parseWithTarget(fields)).toMatchObject({ ok: false, error: { field } });
    },
  );
});

test.each(["encodedSlash", "emptySegments"])("%s can be opened with allowPath", (field) => {
  expect(parse({ [field]: true, allowPath: true })).toMatchObject({ ok: true });
});

test("empty segments can be opened where the signature is of the path that is sent", () => {
  const signing = {
    awsAccessKeyId: "AKIDEXAMPLE",
    region: "us-east-1",
    service: "s3",
    secretAccessKey: "secret",
  };
  const hmac = { "aws4-hmac-sha256": signing };
  expect(parseWithTarget({ allowPath: true, emptySegments: true, hmac })).toMatchObject({ ok: true });
});
