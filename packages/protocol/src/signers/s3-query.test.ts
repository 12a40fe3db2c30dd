import fc from "fast-check";
import { expect, test } from "vitest";

import { checkAws4Query } from "./aws4-hmac-sha256.ts";
import { checkS3Query } from "./s3-query.ts";

test.each([
  ["GET", "list-type=2&prefix=&delimiter=%2F&encoding-type=url"],
  ["GET", "delimiter=&encoding-type=url&list-type=2&max-keys=1000&prefix=rc%2F"],
  ["GET", "continuation-token=a&start-after=b&fetch-owner=true&marker=c"],
  ["GET", "versions&key-marker=a&version-id-marker=b"],
  ["GET", "uploads&delimiter=&max-uploads=1000&prefix=m2&upload-id-marker=a"],
  ["POST", "uploads"],
  ["POST", "uploads="],
  ["PUT", "partNumber=1&uploadId=a&x-id=UploadPart"],
  ["GET", "uploadId=a&max-parts=2&part-number-marker=1"],
  ["DELETE", "uploadId=a"],
  ["DELETE", "versionId=a%20b"],
  ["POST", "delete"],
  ["POST", "delete="],
  ["GET", "attributes="],
  ["GET", "location"],
  ["HEAD", "response-content-type=a&response-expires=b"],
  ["GET", "%6cist-type=2&&"],
  ["GET", ""],
])("%s ?%s only reads or continues what the target names, and is allowed", (method, query) => {
  expect(checkS3Query(query, method)).toBeUndefined();
});

const RESOURCES =
  "abac,accelerate,acl,analytics,append,cors,encryption,intelligent-tiering,inventory,legal-hold,lifecycle,logging," +
  "metadataTable,metrics,notification,object-lock,ownershipControls,policy,policyStatus,publicAccessBlock,renameObject," +
  "replication,requestPayment,restore,retention,select,select-type,session,tagging,torrent,versioning,website";

test.each(RESOURCES.split(","))(
  "?%s names another resource, however it is spelled, and is refused",
  (key) => {
    const encoded = `%${key.charCodeAt(0).toString(16)}${key.slice(1)}`;
    for (const query of [key, `${key}=`, `${key}=1`, `prefix=a&${key}`, encoded, encoded.toUpperCase()]) {
      expect(checkS3Query(query, "GET"), query).toMatchObject({ kind: "not_allowed" });
    }
    expect(checkS3Query(encoded, "GET")).toEqual({ kind: "not_allowed", key });
  },
);

test.each([
  ["PUT", "location"],
  ["DELETE", "location"],
  ["PUT", "versions"],
  ["PUT", "attributes"],
  ["GET", "delete"],
  ["PUT", "delete"],
  ["PUT", "uploads"],
  ["DELETE", "uploads"],
  ["PUT", "response-content-type=a"],
  ["get", "location"],
])("%s ?%s is refused, since the key is not allowed with this method", (method, query) => {
  expect(checkS3Query(query, method)).toMatchObject({ kind: "not_allowed" });
});

test.each(["LIST-TYPE=2", "Prefix=a", "partnumber=1", "=v", "prefix+=a", "a", "prefix=a;acl", ";acl"])(
  "?%s is refused, since S3 has no such key or two servers could parse it differently",
  (query) => {
    expect(checkS3Query(query, "GET")).toMatchObject({ kind: "not_allowed" });
  },
);

test.each(["AWSAccessKeyId=a", "awsaccesskeyid", "Signature=a", "%53ignature=a", "SIGNATURE"])(
  "?%s is refused as a key of a presigned URL",
  (query) => {
    const invalid = { kind: "invalid", problem: { field: "query" } };
    expect(checkAws4Query("s3", query, "GET")).toMatchObject(invalid);
    expect(checkAws4Query("lambda", query, "GET")).toBeUndefined();
  },
);

test("a query with a key that is not on the list is refused", () => {
  const known = fc.constantFrom("prefix=a", "list-type=2", "", "x-id=a", "versionId=1");
  const other = fc.string({ minLength: 1 }).filter((text) => !/^[a-z\-I]+$/i.test(text));
  fc.assert(
    fc.property(fc.array(known), other, fc.array(known), (before, key, after) => {
      const pair = `${encodeURIComponent(key.replaceAll(/[\uD800-\uDFFF]/g, "?"))}=1`;
      expect(checkS3Query([...before, pair, ...after].join("&"), "GET")).toBeDefined();
    }),
  );
});
