import { canonicalKeys } from "./aws4-canonical.ts";
import type { QueryRefusal } from "./signer.ts";

/** The methods with which a key is allowed: those with which it only reads or continues what the target's URI names. */
type KeyRule = "any" | readonly string[];

const READ_METHODS = ["GET", "HEAD"];

/**
 * The query keys of S3 that a client may add: for listing, for multipart uploads, for one version. Any other key may name
 * another resource of the bucket or object (`acl`, `policy`, `tagging`, …), now or in a future version of S3. Names are
 * case-sensitive, as in S3.
 */
const ALLOWED_KEYS: ReadonlyMap<string, KeyRule> = new Map<string, KeyRule>([
  ["attributes", ["GET"]],
  ["continuation-token", "any"],
  ["delete", ["POST"]],
  ["delimiter", "any"],
  ["encoding-type", "any"],
  ["fetch-owner", "any"],
  ["key-marker", "any"],
  ["list-type", "any"],
  ["location", ["GET"]],
  ["marker", "any"],
  ["max-keys", "any"],
  ["max-parts", "any"],
  ["max-uploads", "any"],
  ["part-number-marker", "any"],
  ["partNumber", "any"],
  ["prefix", "any"],
  ["response-cache-control", READ_METHODS],
  ["response-content-disposition", READ_METHODS],
  ["response-content-encoding", READ_METHODS],
  ["response-content-language", READ_METHODS],
  ["response-content-type", READ_METHODS],
  ["response-expires", READ_METHODS],
  ["start-after", "any"],
  ["upload-id-marker", "any"],
  ["uploadId", "any"],
  ["uploads", ["GET", "POST"]],
  ["version-id-marker", "any"],
  ["versionId", "any"],
  ["versions", ["GET"]],
  // The SDK's name for the operation, which S3 ignores.
  ["x-id", "any"],
]);

/** Keys of presigned URLs with older signatures. */
const PRESIGNED_URL_KEY = /^(?:awsaccesskeyid|signature)$/i;

export function isPresignedUrlKey(key: string): boolean {
  return PRESIGNED_URL_KEY.test(key);
}

/** Returns why a client's query may not be added to a request to S3; nothing if it may. */
export function checkS3Query(query: string, method: string): QueryRefusal | undefined {
  // Some servers split at `;` and would find a key within a value.
  if (query.includes(";")) return { kind: "not_allowed", key: ";" };
  for (const key of canonicalKeys(query)) {
    const rule = ALLOWED_KEYS.get(key);
    if (rule === undefined || (rule !== "any" && !rule.includes(method))) return { kind: "not_allowed", key };
  }
  return undefined;
}
