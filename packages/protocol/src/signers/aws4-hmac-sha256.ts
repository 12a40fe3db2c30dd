import type { Problem } from "../result.ts";
import {
  canonicalKeys,
  canonicalQuery,
  canonicalRequest,
  canonicalUri,
  isS3Service,
  wirePath,
} from "./aws4-canonical.ts";
import { aws4HeaderRule, s3HeaderRule } from "./aws4-client-headers.ts";
import { isSignable } from "./aws4-headers.ts";
import { planPayload } from "./aws4-payload.ts";
import { hashLatin1, latin1Bytes, utf8Bytes } from "./bytes.ts";
import type { Aws4Configuration } from "./configuration.ts";
import { groupHeaders, signedHeaders } from "./header-fields.ts";
import { type Hmac, prepareHmac } from "./hmac.ts";
import { memoizeLast } from "./memoize-last.ts";
import { checkS3Query, isPresignedUrlKey } from "./s3-query.ts";
import type { HashFunction, QueryRefusal, Signer } from "./signer.ts";
import { type SigningTime, memoizeSigningTime } from "./signing-time.ts";

const ALGORITHM = "AWS4-HMAC-SHA256";
const TERMINATOR = "aws4_request";

/**
 * Creates a signer for AWS Signature Version 4 with the credentials in the Authorization header.
 *
 * It signs Host, Content-Type, every X-Amz header, and every header in the target's configuration, except those that
 * intermediaries change.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function createAws4Signer(
  configuration: Aws4Configuration,
  configuredHeaderNames: readonly string[],
  hash: HashFunction,
): Signer {
  const { service, sessionToken } = configuration;
  const isSigned = signedHeaderRule(configuredHeaderNames);
  const uriOf = memoizeLast((path) => canonicalUri(service, path));
  const queryOf = memoizeLast(canonicalQuery);
  const timeOf = memoizeSigningTime();
  const keyOf = memoizeLast((day) => signingKey(configuration, day, hash));
  const scopeOf = memoizeLast((day) => credentialScope(configuration, day));
  const ownHeaders = new Set(["authorization", "x-amz-content-sha256", "x-amz-date"]);
  // Without a session token, the target's configuration may set the header.
  if (sessionToken !== undefined) ownHeaders.add("x-amz-security-token");

  return {
    ownHeaders,
    headerRule: isS3Service(service) ? s3HeaderRule : aws4HeaderRule,
    checkQuery: (query, method) => checkAws4Query(service, query, method),
    checkOpenedQuery: (query) => checkUnsignableKeys(service, query),
    inertQueryKeys: INERT_QUERY_KEYS,
    planPayload: (head) => planPayload(service, head),
    wirePath: (path) => wirePath(service, path),
    sign: (request, payload, now) => {
      const time = timeOf(now);
      const added = ["x-amz-date", time.dateTime, "x-amz-content-sha256", payload];
      if (sessionToken !== undefined) added.push("x-amz-security-token", sessionToken);
      const headers = groupHeaders(request.headers, added, isSigned);
      const canonical = canonicalRequest({
        method: request.method,
        uri: uriOf(request.path),
        query: queryOf(request.query),
        headers,
        payload,
      });
      const scope = scopeOf(time.day);
      const signature = keyOf(time.day)(stringToSign(time, scope, canonical, hash), "hex");
      const credential = `${configuration.awsAccessKeyId}/${scope}`;
      added.push("authorization", authorization(credential, signedHeaders(headers), signature));
      return added;
    },
  };
}

/** The SDK's name for the operation, which services ignore. */
const INERT_QUERY_KEYS: ReadonlySet<string> = new Set(["x-id"]);

/** Refuses what a client must not choose for a signed request. For S3 services, only the keys of a list are allowed. */
export function checkAws4Query(service: string, query: string, method: string): QueryRefusal | undefined {
  const problem = checkUnsignableKeys(service, query);
  if (problem !== undefined) return { kind: "invalid", problem };
  return isS3Service(service) ? checkS3Query(query, method) : undefined;
}

/**
 * Refuses a query key X-Amz-*, however it is encoded: such keys have security tokens, dates and operations. Those of older
 * signatures have a meaning for S3 services only.
 */
function checkUnsignableKeys(service: string, query: string): Problem | undefined {
  const keys = canonicalKeys(query);
  if (keys.some((key) => key.toLowerCase().startsWith("x-amz-"))) {
    return { field: "query", expected: "no key that begins with X-Amz-" };
  }
  return isS3Service(service) && keys.some(isPresignedUrlKey)
    ? { field: "query", expected: "no key of a presigned URL" }
    : undefined;
}

/** The scope for which a signing key is valid: `20261122/us-east-1/s3/aws4_request`. */
export function credentialScope(configuration: Aws4Configuration, day: string): string {
  return `${day}/${configuration.region}/${configuration.service}/${TERMINATOR}`;
}

export function stringToSign(
  time: SigningTime,
  scope: string,
  canonical: string,
  hash: HashFunction,
): string {
  // Header values are bytes on the wire, hence Latin-1.
  return `${ALGORITHM}\n${time.dateTime}\n${scope}\n${hashLatin1(hash, "sha256", canonical, "hex")}`;
}

/** Derives the key for one day, region and service, and returns the HMAC with it. */
export function signingKey(configuration: Aws4Configuration, day: string, hash: HashFunction): Hmac {
  const secret = utf8Bytes(`AWS4${configuration.secretAccessKey}`);
  return [day, configuration.region, configuration.service, TERMINATOR].reduce(
    (key, part) => prepareHmac(hash, "sha256", latin1Bytes(key(part, "binary"))),
    prepareHmac(hash, "sha256", secret),
  );
}

export function authorization(credential: string, signed: string, signature: string): string {
  return `${ALGORITHM} Credential=${credential}, SignedHeaders=${signed}, Signature=${signature}`;
}

function signedHeaderRule(configuredHeaderNames: readonly string[]): (name: string) => boolean {
  const configured = new Set(configuredHeaderNames.map((name) => name.toLowerCase()));
  return (name) =>
    name === "host" ||
    name === "content-type" ||
    name.startsWith("x-amz-") ||
    (configured.has(name) && isSignable(name));
}
