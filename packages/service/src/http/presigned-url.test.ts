import { expect, test } from "vitest";
import { isPresignedQuery } from "./presigned-url.ts";

test.each([
  "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Security-Token=a&X-Amz-Signature=b",
  "list-type=2&x-amz-signature=b",
  "AWSAccessKeyId=a&Signature=b&Expires=1",
  "a=b&awsaccesskeyid=a",
])("?%s is that of a presigned URL", (query) => {
  expect(isPresignedQuery(query)).toBe(true);
});

test.each(["", "list-type=2", "a=x-amz-signature=b", "signature=a", "awsaccesskeyid", "amz-x-amz-a=b"])(
  "?%s is not that of a presigned URL",
  (query) => {
    expect(isPresignedQuery(query)).toBe(false);
  },
);
