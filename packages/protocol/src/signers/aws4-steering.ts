import { foldUnderscores } from "./header-lines.ts";

/**
 * What becomes of a client's header under a signature of the target:
 *
 * - `pass`: describes the body or narrows the request, so that it can only make it fail.
 * - `drop`: inert, or replaced by the signer's own; without it the request means the same.
 * - `framing`: describes chunks within the body; passes only where the body goes on in them.
 * - `refuse`: could change what the request does. Dropped in silence, a copy would become an empty overwrite.
 */
export type HeaderRule = "pass" | "drop" | "framing" | "refuse";

/**
 * The headers that AWS services and their twins act on, by what botocore's models say of each operation and what real
 * clients send unasked. All of these prefixes that are not listed are refused, names of tomorrow included.
 */
const RULES: ReadonlyMap<string, HeaderRule> = new Map([
  // Preconditions, and what is returned of the same resource.
  ["x-amz-expected-bucket-owner", "pass"],
  ["x-amz-if-match-initiated-time", "pass"],
  ["x-amz-if-match-last-modified-time", "pass"],
  ["x-amz-if-match-size", "pass"],
  ["x-amz-mp-object-size", "pass"],
  ["x-amz-max-parts", "pass"],
  ["x-amz-object-attributes", "pass"],
  ["x-amz-optional-object-attributes", "pass"],
  ["x-amz-part-number-marker", "pass"],
  // The checksum that comes, one version of an API, the format of errors.
  ["x-amz-sdk-checksum-algorithm", "pass"],
  ["x-amz-glacier-version", "pass"],
  ["x-amzn-query-mode", "pass"],
  // Telemetry, tracing, the client's own signature.
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

/** Whole families: checksums and user metadata of the body; what the SDKs say of their own retries. */
const FAMILIES: readonly (readonly [prefix: string, rule: HeaderRule])[] = [
  ["x-amz-checksum-", "pass"],
  ["x-amz-meta-", "pass"],
  ["amz-sdk-", "drop"],
];

/** What the service does without the header too, and clients send by default: `rclone` the first, `s3cmd` the second. */
const DEFAULT_VALUES: ReadonlyMap<string, string> = new Map([
  ["x-amz-acl", "private"],
  ["x-amz-storage-class", "STANDARD"],
]);

/**
 * Names by which other services that take the same signature know the same headers: `x-goog-copy-source` copies as
 * `x-amz-copy-source` does. Google, Alibaba, Tencent, Huawei, Dell, MinIO, Ceph, Volcengine, Baidu, Kingsoft, Tigris.
 */
const TWIN = /^x-(?:goog|oss|cos|obs|emc|minio|rgw|tos|bce|kss|tigris)-/;

/**
 * Families of single S3-compatible services that their twins do not have: Cloudflare R2 makes the bucket that a PUT names,
 * IBM COS locks objects and names an account, OpenStack Swift below its S3 interface takes another object's content or has
 * an object vanish.
 */
const OF_ONE_S3 = /^(?:cf-copy-|cf-create-|ibm-|retention-|x-(?:container|copy|delete|object|symlink)-)/;

/** As {@link aws4HeaderRule}, towards S3 and what is compatible with it. */
export function s3HeaderRule(lowerCaseName: string, value: string): HeaderRule | undefined {
  return (
    aws4HeaderRule(lowerCaseName, value) ??
    (OF_ONE_S3.test(foldUnderscores(lowerCaseName)) ? "refuse" : undefined)
  );
}

/**
 * The rule for a header of a client, or nothing if it is none that such a service acts on.
 *
 * Underscores count as hyphens, since servers behind CGI or WSGI cannot tell the two apart; but a name in such a spelling
 * never passes, or it could be a second line of one that does.
 */
export function aws4HeaderRule(lowerCaseName: string, value: string): HeaderRule | undefined {
  const foldedName = foldUnderscores(lowerCaseName);
  const rule = ruleOf(foldedName, value);
  if (foldedName === lowerCaseName || rule === undefined || rule === "drop") return rule;
  // `x-amz-meta-a_b` is the name of metadata as it stands.
  return ruleOf(lowerCaseName, value) === rule ? rule : "refuse";
}

function ruleOf(lowerCaseName: string, value: string): HeaderRule | undefined {
  const name = amazonName(lowerCaseName);
  if (name === undefined) return undefined;
  const rule = RULES.get(name) ?? FAMILIES.find(([prefix]) => name.startsWith(prefix))?.[1];
  if (rule !== undefined) return rule;
  return DEFAULT_VALUES.get(name) === value ? "drop" : "refuse";
}

/** The name as AWS has it; nothing for a header of no such family. */
function amazonName(lowerCaseName: string): string | undefined {
  if (lowerCaseName.startsWith("x-")) {
    if (lowerCaseName.startsWith("amz-", 2) || lowerCaseName.startsWith("amzn-", 2)) return lowerCaseName;
    return TWIN.test(lowerCaseName) ? lowerCaseName.replace(TWIN, "x-amz-") : undefined;
  }
  return lowerCaseName.startsWith("amz-sdk-") || lowerCaseName === "smithy-protocol"
    ? lowerCaseName
    : undefined;
}
