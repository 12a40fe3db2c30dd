/** A signature of a client, made with a key that nothing here has. */
const SIGNATURE = "0123456789abcdef".repeat(4);

const CRC32 = "x-amz-checksum-crc32";

/** The forms in which S3's clients send a body in chunks, by their `X-Amz-Content-Sha256`. */
export const AWS_CHUNKED_FORMS = [
  "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
] as const;

export type AwsChunkedForm = (typeof AWS_CHUNKED_FORMS)[number];

/** A body and the headers that announce it. */
export interface AwsChunked {
  readonly headers: readonly string[];
  readonly body: string;
}

export interface AwsChunkedOptions {
  readonly chunkBytes?: number;
  /** CRC-32 of the content in base64: a trailer, if the form has trailers. */
  readonly crc32?: string;
}

/** Frames a content as a client does. */
export function awsChunked(
  form: AwsChunkedForm,
  content: string,
  { chunkBytes = 64 * 1024, crc32 }: AwsChunkedOptions = {},
): AwsChunked {
  const isSigned = form !== "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  const sign = isSigned ? `;chunk-signature=${SIGNATURE}` : "";
  let chunks = "";
  for (let at = 0; at < content.length; at += chunkBytes) {
    const data = content.slice(at, at + chunkBytes);
    chunks += `${data.length.toString(16)}${sign}\r\n${data}\r\n`;
  }
  const hasTrailer = crc32 !== undefined && form.endsWith("-TRAILER");
  const trailerSignature = isSigned ? `x-amz-trailer-signature:${SIGNATURE}\r\n` : "";
  const trailers = hasTrailer ? `${CRC32}:${crc32}\r\n${trailerSignature}` : "";
  return {
    headers: [
      "Content-Encoding: aws-chunked",
      `X-Amz-Content-Sha256: ${form}`,
      `X-Amz-Decoded-Content-Length: ${content.length}`,
      ...(hasTrailer ? [`X-Amz-Trailer: ${CRC32}`] : []),
    ],
    body: `${chunks}0${sign}\r\n${trailers}\r\n`,
  };
}
