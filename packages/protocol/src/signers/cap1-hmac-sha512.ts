import { hashUtf8, utf8Bytes } from "./bytes.ts";
import {
  canonicalQuery,
  canonicalRequest,
  canonicalUri,
  isSignedByCap1,
  checkCap1Query,
} from "./cap1-canonical.ts";
import type { Cap1Configuration } from "./configuration.ts";
import { foldHeaderName } from "../http-syntax.ts";
import { type HeaderField, groupHeaders, signedHeaders } from "./header-fields.ts";
import { type Hmac, prepareHmac } from "./hmac.ts";
import { memoizeLast } from "./memoize-last.ts";
import type { HashFunction, Signer } from "./signer.ts";
import { type SigningTime, memoizeSigningTime } from "./signing-time.ts";

const ALGORITHM = "CAP1-HMAC-SHA512";
const TERMINATOR = "cap1_request";

/**
 * Creates a signer for CAP1-HMAC-SHA512: Signature Version 4 with SHA-512, base64url, and the host in place of region and
 * service. All end-to-end headers are signed; the body is not.
 */
export function createCap1Signer(
  configuration: Cap1Configuration,
  _configuredHeaderNames: readonly string[],
  hash: HashFunction,
): Signer {
  const ownHeaders = new Set(["authorization", "x-cap-date"]);
  const uriOf = memoizeLast(canonicalUri);
  const queryOf = memoizeLast(canonicalQuery);
  const timeOf = memoizeSigningTime();
  const keysOf = memoizeLast((day) => memoizeLast((host) => signingKey(configuration, day, host, hash)));

  return {
    ownHeaders,
    headerRule: (name) => (ownHeaders.has(foldHeaderName(name)) ? "drop" : undefined),
    checkQuery: (query) => {
      const problem = checkCap1Query(query);
      return problem === undefined ? undefined : { kind: "invalid", problem };
    },
    checkOpenedQuery: checkCap1Query,
    inertQueryKeys: NO_KEYS,
    planPayload: () => ({ kind: "precomputed", value: "" }),
    wirePath: (path) => path,
    sign: (request, _payload, now) => {
      const time = timeOf(now);
      const added = ["X-Cap-Date", time.dateTime];
      const headers = groupHeaders(request.headers, added, isSignedByCap1);
      const host = hostOf(headers);
      const canonical = canonicalRequest(
        request.method,
        uriOf(request.path),
        queryOf(request.query),
        headers,
      );
      const scope = credentialScope(time.day, host);
      const message = stringToSign(time, scope, canonical, hash);
      const signature = keysOf(time.day)(host)(message, "base64url");
      const credential = `${configuration.keyId}/${scope}`;
      return [...added, "Authorization", authorization(credential, signedHeaders(headers), signature)];
    },
  };
}

const NO_KEYS: ReadonlySet<string> = new Set();

/** The scope for which a signing key is valid: `20261122/example.com/cap1_request`. */
export function credentialScope(day: string, host: string): string {
  return `${day}/${host.toLowerCase()}/${TERMINATOR}`;
}

export function stringToSign(
  time: SigningTime,
  scope: string,
  canonical: string,
  hash: HashFunction,
): string {
  // Verifiers have header bytes as Latin-1 text and hash that text as UTF-8.
  const canonicalHash = hashUtf8(hash, "sha512", canonical, "base64url");
  return [ALGORITHM, time.dateTime, scope, canonicalHash].join("\n");
}

/**
 * Derives the key for one day and host, and returns the HMAC with it. Each digest is decoded as Latin-1 and encoded as UTF-8 for
 * the next step, and the host is used as given: peers rely on these oddities of the first implementation.
 */
export function signingKey(
  configuration: Cap1Configuration,
  day: string,
  host: string,
  hash: HashFunction,
): Hmac {
  return [day, host, TERMINATOR].reduce(
    (key, part) => prepareHmac(hash, "sha512", utf8Bytes(key(part, "binary"))),
    prepareHmac(hash, "sha512", utf8Bytes(`CAP1${configuration.key}`)),
  );
}

export function authorization(credential: string, signed: string, signature: string): string {
  return `${ALGORITHM} Credential=${credential},SignedHeaders=${signed},Signature=${signature}`;
}

/** @throws TypeError without Host: the caller builds the request, so there is always one. */
function hostOf(headers: readonly HeaderField[]): string {
  const host = headers.find((field) => field.lowerCaseName === "host")?.values[0];
  if (host === undefined) throw new TypeError("a request to be signed needs a Host header");
  return host;
}
