import { createAws4Signer } from "./aws4-hmac-sha256.ts";
import { createCap1Signer } from "./cap1-hmac-sha512.ts";
import type { Aws4Configuration, Cap1Configuration, HmacConfiguration } from "./configuration.ts";
import type { HashFunction, Signer } from "./signer.ts";

export { isS3Service, wirePath } from "./aws4-canonical.ts";
export type { AwsChunkedFraming } from "./aws4-chunked.ts";
export {
  EMPTY_SHA256,
  UNSIGNED_PAYLOAD,
  STREAMING_UNSIGNED_PAYLOAD_TRAILER,
  isAwsChunked,
} from "./aws4-payload.ts";
export { checkCap1Path, checkCap1Query } from "./cap1-canonical.ts";
export { prepareHmac } from "./hmac.ts";
export type { Hmac } from "./hmac.ts";
export { s3HeaderRule } from "./aws4-client-headers.ts";
export type { HeaderRule } from "./aws4-client-headers.ts";
export type {
  HashEncoding,
  HashFunction,
  PayloadPlan,
  QueryRefusal,
  PayloadContext,
  SignableRequest,
  Signer,
} from "./signer.ts";

type CreateSigner<C> = (
  configuration: C,
  configuredHeaderNames: readonly string[],
  hash: HashFunction,
) => Signer;

const SIGNERS: {
  readonly "aws4-hmac-sha256": CreateSigner<Aws4Configuration>;
  readonly "cap1-hmac-sha512": CreateSigner<Cap1Configuration>;
} = {
  "aws4-hmac-sha256": createAws4Signer,
  "cap1-hmac-sha512": createCap1Signer,
};

/**
 * Creates the signer for a target's requests.
 *
 * @param configuredHeaderNames names of the headers in the target's configuration, in any case.
 * @param hash see {@link HashFunction}.
 *
 * @example
 * const signer = createSigner(
 *   { scheme: "aws4-hmac-sha256", awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "k" },
 *   [],
 *   hash,
 * );
 * const request = { method: "GET", path: "/key", query: "", headers: ["Host", "bucket.s3.amazonaws.com"] };
 * const added = signer.sign(request, EMPTY_SHA256, new Date(0));
 * added.some((text) => text.startsWith("AWS4-HMAC-SHA256 Credential=A/19700101/r/s3/aws4_request")); // => true
 */
export function createSigner(
  configuration: HmacConfiguration,
  configuredHeaderNames: readonly string[],
  hash: HashFunction,
): Signer {
  return configuration.scheme === "aws4-hmac-sha256"
    ? SIGNERS[configuration.scheme](configuration, configuredHeaderNames, hash)
    : SIGNERS[configuration.scheme](configuration, configuredHeaderNames, hash);
}
