import { err, ok } from "../result.ts";
import type { Problem, Result } from "../result.ts";
import type { PayloadContext } from "./signer.ts";

/**
 * How a client's body is framed in aws-chunked, S3's own coding of chunks within the body.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 *
 * @example
 * const signer = createSigner(
 *   { scheme: "aws4-hmac-sha256", awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "k" },
 *   [],
 *   hash,
 * );
 * const plan = signer.planPayload({
 *   contentSha256: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
 *   decodedContentLength: "66560",
 *   body: "known-length",
 *   secure: true,
 * });
 * const framing: AwsChunkedFraming = { decodedLength: 66_560, isSigned: true, trailerNames: [] };
 * plan; // => { kind: "precomputed", value: UNSIGNED_PAYLOAD, awsChunked: framing }
 */
export interface AwsChunkedFraming {
  /** Length of the content, in bytes: the body without its frames. */
  readonly decodedLength: number;
  /** Each chunk has a signature. It was made with the client's key, so nothing can verify it here. */
  readonly isSigned: boolean;
  /** Lower-case names of the trailers after the last chunk, each of them a checksum of the content. */
  readonly trailerNames: readonly string[];
}

/** What the values of `X-Amz-Content-Sha256` announce. Others are for keys and services without aws-chunked bodies. */
const FORMS: ReadonlyMap<string, { readonly isSigned: boolean; readonly mayHaveTrailers: boolean }> = new Map(
  [
    ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", { isSigned: false, mayHaveTrailers: true }],
    ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", { isSigned: true, mayHaveTrailers: false }],
    ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", { isSigned: true, mayHaveTrailers: true }],
  ],
);

const CHECKSUM_NAME = /^x-amz-checksum-[a-z\d-]+$/;

/** Parses the headers that announce an aws-chunked body. */
export function parseAwsChunkedFraming(context: PayloadContext): Result<AwsChunkedFraming, Problem> {
  const form = FORMS.get(context.contentSha256 ?? "");
  if (form === undefined) {
    return problem("X-Amz-Content-Sha256", `no STREAMING value except ${[...FORMS.keys()].join(", ")}`);
  }
  const decodedLength = parseLength(context.decodedContentLength);
  if (decodedLength === undefined) {
    return problem("X-Amz-Decoded-Content-Length", "the length of the body without its frames, in bytes");
  }
  const trailerNames = parseTrailerNames(context.trailer);
  if (trailerNames === undefined) {
    return problem("X-Amz-Trailer", "names that begin with x-amz-checksum-, each once");
  }
  if (trailerNames.length > 0 && !form.mayHaveTrailers) {
    return problem(
      "X-Amz-Trailer",
      "only together with an X-Amz-Content-Sha256 of STREAMING that ends in -TRAILER",
    );
  }
  return ok({ decodedLength, isSigned: form.isSigned, trailerNames });
}

function parseLength(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const length = Number(text);
  return Number.isSafeInteger(length) ? length : undefined;
}

function parseTrailerNames(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return [];
  const names = text.split(",").map((name) => name.trim().toLowerCase());
  const areValid = names.every((name) => CHECKSUM_NAME.test(name)) && new Set(names).size === names.length;
  return areValid ? names : undefined;
}

function problem(field: string, expected: string): Result<never, Problem> {
  return err({ field, expected });
}
