import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { sha256 } from "./aws4-reference.ts";
import type { ReceivedRequest } from "./target.ts";

const CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/** Reads the content of a request to S3; nothing if it is not the one that was signed, or a digest of it is wrong. */
export function readContent({ headers, body }: ReceivedRequest): Buffer | undefined {
  const hash = headers["x-amz-content-sha256"];
  if (hash !== CHUNKS) {
    const isSigned = hash === "UNSIGNED-PAYLOAD" || hash === sha256(body);
    const isWhole =
      isDigest(headers["x-amz-checksum-crc32"], checksum(body)) &&
      isDigest(headers["content-md5"], md5(body).toString("base64"));
    return isSigned && isWhole ? body : undefined;
  }
  const { content, crc } = decodeChunks(body.toString("latin1"));
  const isWhole = content.length === Number(headers["x-amz-decoded-content-length"]);
  return isWhole &&
    headers["x-amz-trailer"] === "x-amz-checksum-crc32" &&
    isDigest(crc, checksum(content)) &&
    isDigest(headers["content-md5"], md5(content).toString("base64"))
    ? content
    : undefined;
}

function decodeChunks(body: string): { readonly content: Buffer; readonly crc: string | undefined } {
  let [rest, content] = [body, ""];
  for (;;) {
    const line = /^([0-9a-f]+)\r\n/i.exec(rest);
    const length = Number.parseInt(line?.[1] ?? "0", 16);
    rest = rest.slice(line?.[0].length ?? 0);
    if (length === 0) break;
    content += rest.slice(0, length);
    rest = rest.slice(length + 2);
  }
  return {
    content: Buffer.from(content, "latin1"),
    crc: /^x-amz-checksum-crc32:(.*)\r\n\r\n$/.exec(rest)?.[1],
  };
}

function isDigest(received: string | string[] | undefined, expected: string): boolean {
  return received === undefined || received === expected;
}

/** The CRC-32 of a content as S3 writes it. */
export function checksum(content: Buffer): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(content));
  return bytes.toString("base64");
}

function md5(content: Buffer): Buffer {
  return createHash("md5").update(content).digest();
}

/** Clients compare it with the MD5 of what they sent. */
export function entityTag(content: Buffer): string {
  return `"${md5(content).toString("hex")}"`;
}

/** The entity tag of an object that was uploaded in parts. */
export function entityTagOfParts(parts: readonly Buffer[]): string {
  return `"${md5(Buffer.concat(parts.map(md5))).toString("hex")}-${parts.length}"`;
}
