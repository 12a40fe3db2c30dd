import { isS3Service } from "./aws4-canonical.ts";
import type { PayloadPlan, PayloadContext } from "./signer.ts";

/**
 * SHA-256 of an empty body.
 *
 * @example
 * Buffer.from(hash("sha256", new Uint8Array())).toString("hex"); // => EMPTY_SHA256
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

/**
 * Decides how the body is signed, in this order: by a hash that the client declares; as empty, without a body; unsigned, where
 * the service allows it and TLS protects it; else by a hash of the whole body.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export function planPayload(service: string, context: PayloadContext): PayloadPlan {
  const isStreaming = context.contentSha256?.toUpperCase().startsWith("STREAMING-") === true;
  if (!isStreaming && isS3Service(service) && AWS_CHUNKED.test(context.contentEncoding ?? "")) {
    return refused(
      "Content-Encoding",
      "no aws-chunked without a STREAMING X-Amz-Content-Sha256: the chunks' frames would be stored",
    );
  }
  if (context.payloadSha256 !== undefined) {
    if (isStreaming)
      return refused(
        "X-Payload-Sha256",
        "no hash together with STREAMING: it would be the hash of the chunks' frames",
      );
    return precomputedHash(context.payloadSha256);
  }
  if (context.body === "none") return { kind: "precomputed", value: EMPTY_SHA256 };
  const canStreamUnsigned = isS3Service(service) && context.secure && context.body === "known-length";
  if (isStreaming) return planStreamingPayload(context.contentSha256 ?? "", canStreamUnsigned);
  return canStreamUnsigned ? { kind: "precomputed", value: UNSIGNED_PAYLOAD } : { kind: "buffer" };
}

function precomputedHash(text: string): PayloadPlan {
  if (/^[0-9A-Fa-f]{64}$/.test(text)) return { kind: "precomputed", value: text.toLowerCase() };
  return refused("X-Payload-Sha256", "64 hexadecimal digits, the SHA-256 of the body");
}

/** The body is already framed in chunks: with a hash of these, the frames would be stored as content. */
function planStreamingPayload(contentSha256: string, canStreamUnsigned: boolean): PayloadPlan {
  if (contentSha256 !== STREAMING_UNSIGNED_PAYLOAD_TRAILER) {
    return refused(
      "X-Amz-Content-Sha256",
      `no STREAMING value except ${STREAMING_UNSIGNED_PAYLOAD_TRAILER}: chunk signatures need the target's key`,
    );
  }
  if (canStreamUnsigned) return { kind: "precomputed", value: STREAMING_UNSIGNED_PAYLOAD_TRAILER };
  return refused(
    "X-Amz-Content-Sha256",
    `${STREAMING_UNSIGNED_PAYLOAD_TRAILER} only with Content-Length, to an S3 target over https`,
  );
}

function refused(field: string, expected: string): PayloadPlan {
  return { kind: "refused", problem: { field, expected } };
}
