import { foldHeaderName } from "../http-syntax.ts";

/**
 * The rule for a header of a client to a signed target:
 *
 * - `pass`: describes the body, or restricts the request so that it can only fail.
 * - `drop`: has no effect, or the signer sets it; without it the request means the same.
 * - `framing`: describes chunks within the body; passes only if the body is sent in them.
 * - `refuse`: could change what the request does. It is not dropped, since a copy would become an empty overwrite.
 *
 * @example
 * const signer = createSigner(
 *   { scheme: "aws4-hmac-sha256", awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "k" },
 *   [],
 *   hash,
 * );
 * const rule: HeaderRule | undefined = signer.headerRule("x-amz-copy-source", "/bucket/key");
 * rule; // => "refuse"
 */
export type HeaderRule = "pass" | "drop" | "framing" | "refuse";

/**
 * The headers that AWS and compatible services act on, from botocore's models of the operations and from what real clients
 * send by default. Any other header with one of these prefixes is refused, including future ones.
 */
const HEADER_RULES: ReadonlyMap<string, HeaderRule> = new Map([
  // Preconditions, and which parts of the same resource are returned.
  ["x-amz-expected-bucket-owner", "pass"],
  ["x-amz-if-match-initiated-time", "pass"],
  ["x-amz-if-match-last-modified-time", "pass"],
  ["x-amz-if-match-size", "pass"],
  ["x-amz-mp-object-size", "pass"],
  ["x-amz-max-parts", "pass"],
  ["x-amz-object-attributes", "pass"],
  ["x-amz-optional-object-attributes", "pass"],
  ["x-amz-part-number-marker", "pass"],
  // The checksum's algorithm, the version of an API, the format of errors.
  ["x-amz-sdk-checksum-algorithm", "pass"],
  ["x-amz-glacier-version", "pass"],
  ["x-amzn-query-mode", "pass"],
  // Telemetry, tracing, the client's signature.
  ["x-amz-user-agent", "drop"],
  ["x-amzn-trace-id", "drop"],
  ["x-amz-date", "drop"],
  ["x-amz-content-sha256", "drop"],
  ["x-amz-security-token", "drop"],
  ["x-amz-decoded-content-length", "framing"],
  ["x-amz-trailer", "framing"],
  // The operation of a Smithy RPC service (its path names the operation only under this protocol).
  ["smithy-protocol", "refuse"],
]);

/** Rules for families of headers: checksums and user metadata of the body; the SDKs' retry counts. */
const PREFIX_RULES: readonly (readonly [prefix: string, rule: HeaderRule])[] = [
  ["x-amz-checksum-", "pass"],
  ["x-amz-meta-", "pass"],
  ["amz-sdk-", "drop"],
];

/** Defaults of the service that some clients send: `rclone` the first, `s3cmd` the second. */
const DEFAULT_VALUES: ReadonlyMap<string, string> = new Map([
  ["x-amz-acl", "private"],
  ["x-amz-storage-class", "STANDARD"],
]);

/**
 * Other vendors' prefixes for the same headers, in services with the same signature: `x-goog-copy-source` has the effect of
 * `x-amz-copy-source`. Google, Alibaba, Tencent, Huawei, Dell, MinIO, Ceph, Volcengine, Baidu, Kingsoft, Tigris.
 */
const VENDOR_PREFIX = /^x-(?:goog|oss|cos|obs|emc|minio|rgw|tos|bce|kss|tigris)-/;

/**
 * Families of headers that only one S3-compatible service has: Cloudflare R2 creates the bucket that a PUT names, IBM COS locks
 * objects and names an account, OpenStack Swift with an S3 interface copies another object or expires one.
 */
const VENDOR_SPECIFIC_HEADER =
  /^(?:cf-copy-|cf-create-|ibm-|retention-|x-(?:container|copy|delete|object|symlink)-)/;

/**
 * Returns the rule for a client's header to S3 and compatible services, which act on the most headers; nothing if they do not act on
 * it.
 *
 * @example
 * s3HeaderRule("x-goog-copy-source", "/bucket/key"); // => "refuse"
 * s3HeaderRule("x-request-id", "1"); // => undefined
 */
export function s3HeaderRule(lowerCaseName: string, value: string): HeaderRule | undefined {
  return (
    aws4HeaderRule(lowerCaseName, value) ??
    (VENDOR_SPECIFIC_HEADER.test(foldHeaderName(lowerCaseName)) ? "refuse" : undefined)
  );
}

/**
 * Returns the rule for a client's header, or nothing if such services do not act on it.
 *
 * Underscores and other punctuation count as hyphens, since CGI and WSGI servers cannot distinguish them. A name with them passes
 * only in what follows `x-amz-meta-` or `x-amz-checksum-`; otherwise it could be a second line of a header that passes.
 */
export function aws4HeaderRule(lowerCaseName: string, value: string): HeaderRule | undefined {
  const foldedName = foldHeaderName(lowerCaseName);
  const rule = findHeaderRule(foldedName, value);
  if (foldedName === lowerCaseName || rule === undefined || rule === "drop") return rule;
  // In `x-amz-meta-a_b` the underscore is part of the metadata's name.
  return findHeaderRule(lowerCaseName, value) === rule ? rule : "refuse";
}

function findHeaderRule(lowerCaseName: string, value: string): HeaderRule | undefined {
  const name = toAmazonName(lowerCaseName);
  if (name === undefined) return undefined;
  const rule = HEADER_RULES.get(name) ?? PREFIX_RULES.find(([prefix]) => name.startsWith(prefix))?.[1];
  if (rule !== undefined) return rule;
  return DEFAULT_VALUES.get(name) === value ? "drop" : "refuse";
}

/** Returns AWS's name for the header; nothing for a header of another family. */
function toAmazonName(lowerCaseName: string): string | undefined {
  if (lowerCaseName.startsWith("x-")) {
    if (lowerCaseName.startsWith("amz-", 2) || lowerCaseName.startsWith("amzn-", 2)) return lowerCaseName;
    return VENDOR_PREFIX.test(lowerCaseName) ? lowerCaseName.replace(VENDOR_PREFIX, "x-amz-") : undefined;
  }
  return lowerCaseName.startsWith("amz-sdk-") || lowerCaseName === "smithy-protocol"
    ? lowerCaseName
    : undefined;
}
