import type { HmacConfiguration } from "capability-protocol";

/** What the first line of a request says. */
export interface RequestLine {
  readonly method: string;
  readonly path: string;
  /** Without "?"; empty if there is none. */
  readonly query: string;
}

/**
 * Bytes that a head takes on the wire: each character of it is one byte.
 *
 * @param headers flat list: name, value, …
 */
export function headSize({ method, path, query }: RequestLine, headers: readonly string[]): number {
  const requestLine = method.length + path.length + query.length + "  ? HTTP/1.1\r\n".length;
  return requestLine + headerLinesSize(headers) + "\r\n".length;
}

/** Bytes that header lines take on the wire. */
export function headerLinesSize(headers: readonly string[]): number {
  let bytes = 0;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    bytes += (headers[i]?.length ?? 0) + (headers[i + 1]?.length ?? 0) + ": \r\n".length;
  }
  return bytes;
}

/** Bytes for what is added to every request: its length, the marks of this hop, and the fixed parts of a signature. */
const ADDED_BYTES = 640;

/**
 * The most bytes that are added to the head of a request to a target.
 *
 * @param headers those that the target's configuration has: a signature names them again.
 */
export function maxAddedBytes(
  hmac: HmacConfiguration | undefined,
  host: string,
  headers: readonly string[],
): number {
  if (hmac === undefined) return ADDED_BYTES;
  const names = headers.reduce((sum, part, index) => (index % 2 === 0 ? sum + part.length + 1 : sum), 0);
  const credential =
    hmac.scheme === "aws4-hmac-sha256"
      ? hmac.awsAccessKeyId.length +
        hmac.region.length +
        hmac.service.length +
        (hmac.sessionToken?.length ?? 0)
      : hmac.keyId.length + host.length;
  return ADDED_BYTES + names + credential;
}
