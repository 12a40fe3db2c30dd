import fc from "fast-check";
import { expect, test } from "vitest";

import { aws4HeaderRule, s3HeaderRule } from "./aws4-client-headers.ts";
import * as modeled from "./aws4-client-headers.vectors.ts";

const VENDOR_HEADERS = ["goog", "oss", "cos", "obs", "emc", "minio", "rgw", "tos", "bce", "kss", "tigris"];

const ALLOWED = [
  "x-amz-checksum-algorithm",
  "x-amz-checksum-crc32",
  "x-amz-checksum-mode",
  "x-amz-checksum-sha256",
  "x-amz-expected-bucket-owner",
  "x-amz-glacier-version",
  "x-amz-if-match-initiated-time",
  "x-amz-if-match-last-modified-time",
  "x-amz-if-match-size",
  "x-amz-max-parts",
  "x-amz-meta-a",
  "x-amz-meta-a_b",
  "x-amz-meta-mtime",
  "x-amz-mp-object-size",
  "x-amz-object-attributes",
  "x-amz-optional-object-attributes",
  "x-amz-part-number-marker",
  "x-amz-sdk-checksum-algorithm",
  "x-amzn-query-mode",
];

const DROPPED = [
  "amz-sdk-invocation-id",
  "amz-sdk-request",
  "amz-sdk-retry",
  "x-amz-content-sha256",
  "x-amz-date",
  "x-amz-security-token",
  "x-amz-user-agent",
  "x-amzn-trace-id",
];

const REFUSED = [
  "smithy-protocol",
  "x-amz-",
  "x-amz-a",
  "x-amz-acl",
  "x-amz-bypass-governance-retention",
  "x-amz-client-context",
  "x-amz-copy-source",
  "x-amz-copy-source-range",
  "x-amz-fwd-status",
  "x-amz-grant-full-control",
  "x-amz-invocation-type",
  "x-amz-log-type",
  "x-amz-meta",
  "x-amz-metadata-directive",
  "x-amz-mfa",
  "x-amz-object-lock-mode",
  "x-amz-rename-source",
  "x-amz-request-payer",
  "x-amz-server-side-encryption",
  "x-amz-source-expected-bucket-owner",
  "x-amz-sso_bearer_token",
  "x-amz-storage-class",
  "x-amz-tagging",
  "x-amz-target",
  "x-amz-trailer-a",
  "x-amz-website-redirect-location",
  "x-amz-write-offset-bytes",
  "x-amzn-",
  "x-amzn-a",
  "x-amzn-bedrock-guardrailidentifier",
  "x-amzn-oidc-data",
  "x-amzn-sagemaker-target-model",
];

const UNKNOWN = [
  "content-type",
  "range",
  "if-match",
  "x-amzon-a",
  "x-amz",
  "xamz-acl",
  "x-googl-acl",
  "amz-acl",
];

test.each(ALLOWED)("%s describes the body or restricts the request, and passes", (name) => {
  expect(aws4HeaderRule(name, "a")).toBe("pass");
});

test.each(DROPPED)("%s has no effect or is the signer's own, and is dropped", (name) => {
  expect(aws4HeaderRule(name, "a")).toBe("drop");
});

test.each(REFUSED)("%s could change what the request does, and is refused", (name) => {
  expect(aws4HeaderRule(name, "a")).toBe("refuse");
});

test.each(UNKNOWN)("%s has no rule, since no such service acts on it", (name) => {
  expect(aws4HeaderRule(name, "a")).toBeUndefined();
});

test.each(["x-amz-trailer", "x-amz-decoded-content-length"])(
  "%s passes only with the chunks that it describes",
  (name) => {
    expect(aws4HeaderRule(name, "a")).toBe("framing");
  },
);

test.each([
  ["pass", modeled.PASSING],
  ["drop", modeled.DROPPED],
  ["drop or framing", modeled.CONSUMED],
  ["refuse", modeled.REFUSED],
])("the rule of each header of AWS's models is as the table has it: %s", (rule, names) => {
  expect(names.length).toBeGreaterThan(3);
  for (const name of names.map((each) => each.replace("*", "a"))) {
    for (const ruleOf of [aws4HeaderRule, s3HeaderRule]) {
      expect(rule.split(" or "), name).toContain(ruleOf(name, "a"));
    }
  }
});

test.each([
  ["x-amz-acl", "private", "public-read"],
  ["x-amz-storage-class", "STANDARD", "GLACIER"],
])("%s: the service's default %s is dropped, and %s is refused", (name, value, other) => {
  expect([aws4HeaderRule(name, value), aws4HeaderRule(name, other), aws4HeaderRule(name, "")]).toEqual([
    "drop",
    "refuse",
    "refuse",
  ]);
});

test("a header with another vendor's prefix has the rule of AWS's name for it", () => {
  for (const name of [...ALLOWED, ...DROPPED, ...REFUSED].filter((each) => each.startsWith("x-amz-"))) {
    for (const vendorName of VENDOR_HEADERS) {
      const vendorHeader = name.replace("x-amz-", `x-${vendorName}-`);
      expect([vendorHeader, aws4HeaderRule(vendorHeader, "a")]).toEqual([
        vendorHeader,
        aws4HeaderRule(name, "a"),
      ]);
    }
  }
});

test("no name with underscores or dots passes when its spelling with hyphens is refused, nor as a second line of one that passes", () => {
  const known = fc.constantFrom(...ALLOWED, ...DROPPED, ...REFUSED, "x-amz-trailer", "x-goog-acl");
  const spelled = known.chain((name) =>
    fc
      .array(fc.constantFrom("-", "_", "."), { minLength: name.length, maxLength: name.length })
      .map((marks) => Array.from(name, (each, index) => (each === "-" ? marks[index] : each)).join("")),
  );
  fc.assert(
    fc.property(spelled, (name) => {
      const rule = aws4HeaderRule(name, "a");
      const folded = aws4HeaderRule(name.replaceAll(/[_.]/g, "-"), "a");
      if (rule === "pass") expect(name).toMatch(/^[^_.]*$|^x-amz-(?:meta|checksum)-/);
      if (folded === "refuse") expect(rule).toBe("refuse");
      expect(rule).toBeDefined();
    }),
  );
});

test.each([
  "cf-create-bucket-if-missing",
  "cf-copy-destination-if-match",
  "ibm-service-instance-id",
  "retention-period",
  "x-copy-from",
  "x-delete-at",
  "x_delete_after",
  "x-object-manifest",
  "x-symlink-target",
])("%s is refused to S3, since a compatible service acts on it, and is unknown elsewhere", (name) => {
  expect([s3HeaderRule(name, "a"), aws4HeaderRule(name, "a")]).toEqual(["refuse", undefined]);
});

test("a header on which every AWS service acts has the same rule for S3", () => {
  for (const name of [...ALLOWED, ...DROPPED, ...REFUSED, ...UNKNOWN])
    expect(s3HeaderRule(name, "a")).toBe(aws4HeaderRule(name, "a"));
});

test("a name with such a prefix that is not on the list is refused", () => {
  const prefix = fc.constantFrom(
    "x-amz-",
    "x-amzn-",
    ...VENDOR_HEADERS.map((vendorName) => `x-${vendorName}-`),
  );
  const rest = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,30}$/);
  const known = /^(?:meta-|checksum-)/;
  fc.assert(
    fc.property(prefix, rest, (start, end) => {
      const isListed = [...ALLOWED, ...DROPPED, "x-amz-trailer", "x-amz-decoded-content-length"].some(
        (name) => name.endsWith(`-${end}`),
      );
      fc.pre(!isListed && !known.test(end));
      expect(aws4HeaderRule(start + end, "a")).toBe("refuse");
    }),
  );
});
