import { isS3Service } from "./aws4-canonical.ts";
import { parseAwsChunkedFraming } from "./aws4-chunked.ts";
import type { PayloadPlan, PayloadContext } from "./signer.ts";

/**
 * SHA-256 of an empty body.
 *
 * @example
 * hash("sha256", "", "hex"); // => EMPTY_SHA256
 */
export const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/**
 * In place of a hash, for S3: TLS then protects the body.
 *
 * @example
 * const signer = createSigner(
 *   { scheme: "aws4-hmac-sha256", awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "k" },
 *   [],
 *   hash,
 * );
 * const plan = signer.planPayload({ body: "known-length", secure: true });
 * plan; // => { kind: "precomputed", value: UNSIGNED_PAYLOAD }
 */
export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";

/**
 * In place of a hash, for S3: the body is aws-chunked without chunk signatures and ends with a trailer, such as a checksum.
 *
 * @example
 * STREAMING_UNSIGNED_PAYLOAD_TRAILER; // => "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
 */
export const STREAMING_UNSIGNED_PAYLOAD_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

const AWS_CHUNKED = /(?:^|[\t ,])aws-chunked(?:$|[\t ,])/i;

const SHA256_HEX = /^[0-9A-Fa-f]{64}$/;

/**
 * Decides how the body is signed, in this order: by its frames, if it is aws-chunked; by a hash in X-Payload-Sha256; as empty,
 * without a body; by a hash in X-Amz-Content-Sha256; unsigned, where the service allows it and TLS protects it; else by a hash of
 * the whole body.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export function planPayload(service: string, context: PayloadContext): PayloadPlan {
  const { contentSha256, body, secure } = context;
  if (isAwsChunked(contentSha256)) return planAwsChunked(service, context);
  if (isS3Service(service) && AWS_CHUNKED.test(context.contentEncoding ?? "")) {
    return refused(
      "Content-Encoding",
      "no aws-chunked without a STREAMING X-Amz-Content-Sha256: the chunks' frames would be stored",
    );
  }
  if (context.payloadSha256 !== undefined) return precomputedHash(context.payloadSha256);
  if (body === "none") return { kind: "precomputed", value: EMPTY_SHA256 };
  if (contentSha256 !== undefined && SHA256_HEX.test(contentSha256)) return precomputedHash(contentSha256);
  const canStreamUnsigned = isS3Service(service) && secure && body === "known-length";
  return canStreamUnsigned ? { kind: "precomputed", value: UNSIGNED_PAYLOAD } : { kind: "buffer" };
}

/**
 * Whether a value of X-Amz-Content-Sha256 announces an aws-chunked body. The signer then reads X-Amz-Decoded-Content-Length and
 * X-Amz-Trailer too.
 *
 * @example
 * isAwsChunked("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"); // => true
 * isAwsChunked(UNSIGNED_PAYLOAD); // => false
 */
export function isAwsChunked(contentSha256: string | undefined): boolean {
  return contentSha256?.toUpperCase().startsWith("STREAMING-") === true;
}

function precomputedHash(text: string): PayloadPlan {
  if (SHA256_HEX.test(text)) return { kind: "precomputed", value: text.toLowerCase() };
  return refused("X-Payload-Sha256", "64 hexadecimal digits, the SHA-256 of the body");
}

/**
 * Chunks pass on where TLS protects them, without signatures, if a checksum follows them. Otherwise the frames are taken off: a
 * hash of the frames would have them stored as content.
 */
function planAwsChunked(service: string, context: PayloadContext): PayloadPlan {
  if (context.payloadSha256 !== undefined) {
    return refused(
      "X-Payload-Sha256",
      "no hash together with STREAMING: it would be the hash of the chunks' frames",
    );
  }
  if (!isS3Service(service)) return refused("X-Amz-Content-Sha256", "STREAMING only to an S3 target");
  if (context.body === "none") return refused("X-Amz-Content-Sha256", "STREAMING only with a body");
  const framing = parseAwsChunkedFraming(context);
  if (!framing.ok) return { kind: "refused", problem: framing.error };
  const awsChunked = framing.value;
  if (!context.secure) return { kind: "buffer", awsChunked };
  const value = awsChunked.trailerNames.length > 0 ? STREAMING_UNSIGNED_PAYLOAD_TRAILER : UNSIGNED_PAYLOAD;
  return { kind: "precomputed", value, awsChunked };
}

function refused(field: string, expected: string): PayloadPlan {
  return { kind: "refused", problem: { field, expected } };
}
